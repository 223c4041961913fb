# SPDX-License-Identifier: Apache-2.0
"""Stand-ins for the servers around Wavegate, written from docs/protocol.md and nothing of the gateway.

keys       Ed25519 keys, kids, key files
jcs        RFC 8785 canonical JSON and strict reading
fields     the part of RFC 9651 structured fields that signatures need
signatures RFC 9421 request signatures and RFC 9530 digests
events     event envelopes and their signatures
certs      a development CA
instance   a ScaiWave instance, the gateway's upstream
peer       a foreign ScaiWave server, and the client that speaks for it
sink       a peer that checks and writes down what is delivered to it, and can misbehave
egress     an instance as a client of the gateway's egress door
"""
