# SPDX-License-Identifier: Apache-2.0
"""Those who send under load, each in a room of its own, one event after the other: the next one only when the
last was promised, so that the order that has to hold is known."""
import http.client
import json
import threading

from scaiwave import events
from scaiwave.egress import PlainConnection
from scaiwave.peer import client_context, Connection

TROUBLE = (OSError, http.client.HTTPException, ValueError)
PAUSE_S = 0.01


class Speaker(threading.Thread):
    """promised: ids in the order of their 200 or 202. doubtful: the event that was under way at the end; it
    may arrive or not. refusals: answers that should never come."""

    def __init__(self, gateway, room_id, destinations):
        super().__init__(daemon=True)
        self.gateway = gateway  # a function: whichever runs now, or None
        self.room_id, self.destinations = room_id, destinations
        self.promised, self.offered, self.refusals = [], {}, []
        self.doubtful = None
        self._stop_asked = threading.Event()
        self._connection, self._connected_to = None, None

    def stop(self):
        self._stop_asked.set()

    def run(self):
        number = 0
        while not self._stop_asked.is_set():
            event = self.make(number)
            self.offered[event["id"]] = event
            self.doubtful = event["id"]
            while not self._promise(event):
                if self._stop_asked.wait(PAUSE_S):
                    return self._disconnect()
            self.promised.append(event["id"])
            self.doubtful = None
            number += 1
        return self._disconnect()

    def _disconnect(self):
        if self._connection:
            self._connection.close()
        self._connection = None

    def _promise(self, event):
        gateway = self.gateway()
        try:
            if self._connected_to is not gateway or not self._connection:
                self._disconnect()
                self._connected_to = gateway
                self._connection = self.connect(gateway) if gateway else None
            if not self._connection:
                return False
            answer = self._connection.ask(self.request(gateway, event))
        except TROUBLE:
            self._disconnect()
            return False
        if answer.will_close:
            self._disconnect()
        if answer.status not in (200, 202, 503, 429):
            self.refusals.append(repr(answer))
        return answer.status in (200, 202)


class Outbound(Speaker):
    """An instance; several destinations go through the relay endpoint."""

    def __init__(self, gateway, client, room_id, destinations):
        super().__init__(gateway, room_id, destinations)
        self.client = client

    def make(self, number):
        return events.make(self.client.server_name, self.room_id, number)

    def connect(self, gateway):
        return PlainConnection(gateway.egress, timeout_s=10)

    def request(self, gateway, event):
        if len(self.destinations) == 1:
            return self.client.send_request(event, self.destinations[0])
        body = json.dumps({"destinations": self.destinations, "event": event}).encode()
        return self.client.request("POST", gateway.egress, "/_wavegate/v1/relay", body, form="host")


class Inbound(Speaker):
    """A peer that speaks to an instance."""

    def __init__(self, gateway, peer, room_id, instance, ca):
        super().__init__(gateway, room_id, [instance])
        self.peer, self.instance = peer, instance
        self.context = client_context(ca)

    def make(self, number):
        return self.peer.event(room_id=self.room_id, body=number)

    def connect(self, gateway):
        return Connection(gateway.ingress, self.instance, None, context=self.context, timeout_s=20)

    def request(self, _gateway, event):
        return self.peer.send_request(self.instance, event)
