# SPDX-License-Identifier: Apache-2.0
"""Lists of policies: files that belong to the generation, and https sources with their last good copy."""
import os
import sys
import threading

import pytest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import harness  # noqa: E402
from scaiwave.serving import Service, tls_context  # noqa: E402

A = "a.example.test"
POLICY = """local wavegate = require "wavegate"
local lists = require "wavegate.lists"
local deny = lists.open(WHERE)

wavegate.on("peer", function(peer)
  local entry, why = deny:find(peer.name)
  if entry then return wavegate.deny { reason = entry.reason or entry.entry } end
  if why then return wavegate.defer { seconds = 5, reason = why } end
  assert(deny:has(peer.name) == false)
  return wavegate.allow()
end)
"""


class Source(Service):
    """A server of one list, with an ETag."""

    def __init__(self, world, name="lists.example.test"):
        certificate, key = world.authority.issue(name)
        self.text, self.status, self.asked = "# nobody\n", 200, []
        self._news = threading.Condition()
        super().__init__(tls=tls_context(certificate, key))
        world.resolve[name] = self.address
        self.url = f"https://{name}/deny.txt"

    @property
    def etag(self):
        return f'"{hash(self.text) & 0xffffff:x}"'

    def answer(self, handler, request):
        known = dict((name.lower(), value) for name, value in request.headers)
        with self._news:
            self.asked.append(known.get("if-none-match"))
            self._news.notify_all()
        if self.status != 200:
            return handler.reply(self.status, b"out of order")
        if known.get("if-none-match") == self.etag:
            handler.send_response(304)
            handler.send_header("Content-Length", "0")
            return handler.end_headers()
        return handler.reply(200, self.text.encode(),
                             [("ETag", self.etag), ("Content-Type", "text/plain")])


class Town:
    def __init__(self, folder):
        self.world = harness.World(folder)
        self.a = self.world.instance(A)
        self.peer = self.world.peer("peer.example.test")
        self.source = Source(self.world)

    def start(self, where, policy=POLICY):
        self.world.write("policies/main.lua", policy.replace("WHERE", where))
        self.gateway = self.world.gateway()
        self.log = self.gateway.log

    def write(self, text, name="lists/deny.txt"):
        path = self.world.path(name)
        self.world.write(name + ".new", text)
        os.rename(path + ".new", path)

    def send(self):
        return self.gateway.ask(self.peer.send_request(A, self.peer.event()))


@pytest.fixture
def town(tmp_path):
    made = Town(tmp_path)
    yield made
    made.world.close()
    made.source.stop()


FILE = '"lists/deny.txt"'


def test_a_change_of_a_list_is_a_new_generation(town):
    town.write("bad.example.test  known for spam\n")
    town.start(FILE)
    assert town.send().status == 200
    for text, status, words in [("*.example.test  the whole street\n", 403, "the whole street"),
                                ("# nobody\n", 200, None),
                                ("peer.example.test\n", 403, "peer.example.test")]:
        mark = town.log.mark()
        town.write(text)
        town.log.wait("policy.reloaded", since=mark, server=A)
        answer = town.send()
        assert answer.status == status
        assert words is None or answer.message == words


def test_a_broken_list_changes_nothing_and_says_where(town):
    town.write("peer.example.test  out\n")
    town.start(FILE)
    assert town.send().message == "out"
    mark = town.log.mark()
    town.write("ok.example\nhttps://spam.example/about\n")
    record = town.log.wait("policy.reload_failed", since=mark, server=A)
    assert "policies/main.lua:3" in record["reason"], record
    assert "lists/deny.txt:2" in record["reason"], record
    assert town.send().message == "out", "the last good generation stays in force"
    mark = town.log.mark()
    town.write("ok.example\n")
    town.log.wait("policy.reloaded", since=mark, server=A)
    assert town.send().status == 200


def test_a_list_that_is_not_there_stops_the_start(town):
    with pytest.raises(AssertionError) as failure:
        town.start(FILE)
    assert "policies/main.lua:3" in str(failure.value) and "lists/deny.txt" in str(failure.value)


@pytest.mark.parametrize("where, words", [
    ('"/etc/passwd"', "configuration's folder"), ('"lists/../../secret.txt"', "leads out"),
    ('"http://lists.example.test/x"', "https"), ('"https://"', "https://"),
    (FILE + ', { fromat = "csv" }', "format"), (FILE + ', { format = "xml" }', "format must be"),
    (FILE + ', { refresh = "1s" }', "1m"), (FILE + ', { subdomains = 1 }', "true or false"),
    ('""', "no path")])
def test_what_cannot_be_opened_says_why(town, where, words):
    town.write("ok.example\n")
    with pytest.raises(AssertionError) as failure:
        town.start(where)
    assert words in str(failure.value)


def test_an_entry_tells_all_it_knows(town):
    town.world.write("lists/deny.csv",
                     "#domain,#severity,#reject_media,#public_comment,expires\n"
                     "example.test,suspend,true,\"sends, spam\",2100-01-01\n"
                     "old.test,silence,false,,2001-01-01\n")
    town.start('"lists/deny.csv", { subdomains = true }', """local wavegate = require "wavegate"
local deny = wavegate.lists.open(WHERE)
wavegate.on("peer", function(peer)
  local e = deny:find(peer.name)
  if not e then return wavegate.allow() end
  local i = deny:info()
  return wavegate.deny { reason = table.concat({ e.entry, e.kind, e.reason, e.severity,
    tostring(e.reject_media), tostring(e.reject_reports), e.expires_at, e.source, e.line,
    tostring(deny:has("old.test")), i.count, i.source, tostring(deny) }, "|") }
end)""")
    assert town.send().message == ("example.test|name|sends, spam|suspend|true|false|4102444800|"
                                   "lists/deny.csv|2|false|2|lists/deny.csv|list lists/deny.csv")


# -- https -------------------------------------------------------------------------------------------

def test_a_source_is_fetched_kept_and_used_when_it_is_down(town):
    town.source.text = "peer.example.test  said the source\n"
    town.start(f'"{town.source.url}"')
    town.log.wait("policy.list_changed", list=town.source.url)
    answer = town.send()
    assert (answer.status, answer.message) == (403, "said the source")
    town.gateway.stop()
    town.source.stop()
    town.start(f'"{town.source.url}"')
    answer = town.send()
    assert (answer.status, answer.message) == (403, "said the source"), "the copy kept on disk"
    town.source.start()


def test_a_source_that_was_never_there_says_so(town):
    town.source.status = 500
    town.start(f'"{town.source.url}"')
    record = town.log.wait("policy.list_failed", list=town.source.url)
    assert "500" in record["reason"] and "no copy yet" in record["reason"]
    answer = town.send()
    assert answer.status == 429 and "was not fetched yet" in answer.message


def test_a_reload_fetches_only_what_is_new(town):
    where = f'"{town.source.url}"'
    town.start(where)
    town.log.wait("policy.list_changed", list=town.source.url)
    for turn in range(3):
        mark = town.log.mark()
        town.world.write("policies/main.lua", POLICY.replace("WHERE", where) + f"-- {turn}\n")
        town.log.wait("policy.reloaded", since=mark, server=A)
        assert town.send().status == 200
    assert len(town.source.asked) == 1
    mark = town.log.mark()
    other = f'"{town.source.url}", {{ subdomains = true }}'
    town.world.write("policies/main.lua", POLICY.replace("WHERE", other))
    town.log.wait("policy.reloaded", since=mark, server=A)
    assert town.send().status == 200, "other options make another list, of the copy that is there"
    assert len(town.source.asked) == 1


# -- the ready-made policy -----------------------------------------------------------------------------

DENY_LIST = """local wavegate = require "wavegate"
wavegate.use("deny_list", OPTIONS)
wavegate.use("standard", { default_mode = "open" })
"""


def test_deny_list_takes_a_file(town):
    town.write("peer.example.test  no, thanks\n")
    town.start("", DENY_LIST.replace("OPTIONS", '{ file = "lists/deny.txt" }'))
    answer = town.send()
    assert (answer.status, answer.code, answer.message) == \
        (403, "SW_FED_PEER_UNKNOWN", "no, thanks")
    mark = town.log.mark()
    town.write("example.test\n")
    town.log.wait("policy.reloaded", since=mark, server=A)
    assert town.send().status == 200, "a plain name stands for itself only"
    mark = town.log.mark()
    town.world.write("policies/main.lua", DENY_LIST.replace(
        "OPTIONS", '{ file = "lists/deny.txt", subdomains = true }'))
    town.log.wait("policy.reloaded", since=mark, server=A)
    assert town.send().status == 403


def test_deny_list_takes_a_mastodon_export(town):
    town.world.write("lists/blocks.csv",
                     "#domain,#severity,#reject_media,#reject_reports,#public_comment,#obfuscate\n"
                     "peer.example.test,silence,false,false,noisy,false\n")
    policy = DENY_LIST.replace(
        "OPTIONS", '{ file = "lists/blocks.csv", subdomains = true, severities = { SEVERITY } }')
    town.start("", policy.replace("SEVERITY", '"suspend"'))
    assert town.send().status == 200
    mark = town.log.mark()
    town.world.write("policies/main.lua", policy.replace("SEVERITY", '"suspend", "silence"'))
    town.log.wait("policy.reloaded", since=mark, server=A)
    assert town.send().message == "noisy"


def test_deny_list_opens_no_door_before_its_list_came(town):
    town.source.status = 503
    town.start("", DENY_LIST.replace("OPTIONS", f'{{ file = "{town.source.url}" }}'))
    town.log.wait("policy.list_failed")
    answer = town.send()
    assert answer.status == 429 and int(answer.headers["Retry-After"]) == 30
