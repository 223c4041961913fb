# SPDX-License-Identifier: Apache-2.0
"""Event envelopes: making, signing, verifying, and the descriptor that publishes the key."""
import base64
import time
import uuid

from . import jcs

SEND = "/_scaiwave/federation/v1/send"
WELL_KNOWN = "/.well-known/scaiwave/server"


def signed_bytes(event):
    return jcs.canonical({name: value for name, value in event.items()
                          if name not in ("signatures", "unsigned")})


def sign(event, server_name, key):
    signature = base64.b64encode(key.sign(signed_bytes(event))).decode()
    own = event.setdefault("signatures", {}).setdefault(server_name, {})
    own["ed25519:" + key.kid] = signature
    return event


def verify(event, key):
    """Is the event signed by its origin with this key."""
    own = event.get("signatures", {}).get(event["origin"], {})
    signature = own.get("ed25519:" + key.kid)
    return signature is not None and key.verify(base64.b64decode(signature), signed_bytes(event))


def make(server_name, room_id="room-open", body="Hello", **members):
    """An unsigned event; members override or add."""
    event = {
        "id": str(uuid.uuid4()),
        "type": "swp.room.message",
        "room_id": room_id,
        "sender_id": f"@alice:{server_name}",
        "origin": server_name,
        "origin_ts": int(time.time()),
        "content": {"msgtype": "swp.text", "body": body},
    }
    event.update(members)
    return {name: value for name, value in event.items() if value is not None}


def descriptor(server_name, public_key):
    return {
        "server_name": server_name,
        "public_key": public_key.text,
        "protocol_versions": ["v1"],
        "endpoints": {
            "send": SEND,
            "profile": "/_scaiwave/federation/v1/profile/{local_id}",
            "members": "/_scaiwave/federation/v1/rooms/{room_id}/members",
            "backfill": "/_scaiwave/federation/v1/rooms/{room_id}/backfill",
        },
    }
