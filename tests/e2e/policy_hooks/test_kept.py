# SPDX-License-Identifier: Apache-2.0
"""What policies remember across a restart: wavegate.kv.persist."""
POLICY = """local wavegate = require "wavegate"
local kv = require "wavegate.kv"
kv.persist "count/"
wavegate.use("standard")
wavegate.on("event", function(event)
  return wavegate.deny { reason = kv.incr("count/" .. event.room_id) .. " " .. kv.incr("lost/" .. event.room_id) }
end)
"""


def test_values_under_a_kept_prefix_outlast_a_restart(world):
    world.instance()
    peer = world.peer()

    def send(gateway):
        return gateway.ask(peer.send_request("a.example.test", peer.event())).message
    gateway = world.gateway(policy=POLICY)
    assert [send(gateway) for _ in range(3)] == ["1 1", "2 2", "3 3"]
    gateway.stop()
    gateway = world.gateway()
    assert send(gateway) == "4 1"
    gateway.stop()
    world.write("policies/main.lua", POLICY.replace('kv.persist "count/"\n', ""))
    gateway = world.gateway()
    assert send(gateway) == "1 1"  # nobody wants it kept any more
    gateway.stop()
    world.write("policies/main.lua", POLICY)
    assert send(world.gateway()) == "1 1"


def test_persist_is_for_the_body_of_a_file(world):
    world.instance()
    world.write("policies/main.lua", 'local w = require "wavegate"\nlocal kv = require "wavegate.kv"\n'
                'w.on("event", function() kv.persist "x/" end)\n')
    try:
        world.gateway()
    except AssertionError as failure:
        assert "kv.persist is for the body of a policy file" in str(failure)
    else:
        raise AssertionError("it started")
