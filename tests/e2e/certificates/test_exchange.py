# SPDX-License-Identifier: Apache-2.0
"""A certificate that changes on the disk is taken without a restart, and only when it is better."""
import hashlib
import os
import shutil
import socket
import ssl

import pytest

from harness import poll
from scaiwave import events, signatures

A = "a.example.test"


def shown(gateway, name=A):
    """The fingerprint of what a new connection is shown."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    host, _, port = gateway.ingress.rpartition(":")
    with socket.create_connection((host, int(port)), 10) as plain, \
            context.wrap_socket(plain, server_hostname=name) as connection:
        return hashlib.sha256(connection.getpeercert(True)).hexdigest()


def fingerprint(file):
    with open(file, encoding="ascii") as text:
        first = text.read().split("-----END CERTIFICATE-----")[0] + "-----END CERTIFICATE-----\n"
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(first)).hexdigest()


def shows(gateway, certificate, name=A):
    wanted = fingerprint(certificate)
    # Both workers take connections; each has to have it.
    poll(lambda: all(shown(gateway, name) == wanted for _ in range(8)), 15, "the new certificate")


def row(operator, name=A):
    rows = operator.get("/_wavegate/v1/instances").json["instances"]
    return next(row for row in rows if row["server_name"] == name)["certificate"]


def in_place(town):
    return town.world.path("tls", A + ".pem"), town.world.path("tls", A + ".key")


def issue(town, stem="fresh", name=A, **how):
    return town.world.authority.issue(name, stem=stem, **how)


def descriptor_request():
    return signatures.Request("GET", events.WELL_KNOWN, A, [("Host", A)])


def test_files_renamed_into_place_are_taken_and_open_connections_go_on(town, operator):
    before = row(operator)
    with town.gateway.connect() as old:
        assert old.ask(descriptor_request()).status == 200
        for source, target in zip(issue(town, days=60), in_place(town)):
            os.replace(source, target)
        town.log.wait("tls.certificate_exchanged", server=A)
        shows(town.gateway, in_place(town)[0])
        assert old.ask(descriptor_request()).status == 200
    after = row(operator)
    assert after["fingerprint"] == fingerprint(in_place(town)[0]) != before["fingerprint"]
    assert after["days_left"] in (59, 60) and before["days_left"] in (29, 30)
    assert after["for_name"] and after["chain_length"] == 1
    assert "problem" not in after and "distrust" not in after
    assert fingerprint(town.world.path("tls", "b.example.test.pem")) == \
        shown(town.gateway, "b.example.test"), "the other instance's stays"


def test_files_written_in_place_are_taken(town):
    for source, target in zip(issue(town), in_place(town)):
        shutil.copyfile(source, target)
    town.log.wait("tls.certificate_exchanged", server=A)
    shows(town.gateway, in_place(town)[0])


def link(target, path):
    """As ln -sfn: the link is exchanged in one step."""
    os.symlink(target, path + ".new")
    os.replace(path + ".new", path)


def test_a_folder_exchanged_by_symlink_is_taken(town):
    """Kubernetes: tls.pem -> ..data/tls.pem, and ..data is exchanged."""
    base = town.world.path("mounted", "")
    for generation in ("..2026_1", "..2026_2"):
        os.makedirs(os.path.join(base, generation))
        for source, name in zip(issue(town), ("tls.pem", "tls.key")):
            shutil.copyfile(source, os.path.join(base, generation, name))
    link("..2026_1", base + "..data")
    for name in ("tls.pem", "tls.key"):
        link("..data/" + name, base + name)
    config = town.world.config()
    config["instances"][A].update(certificate="mounted/tls.pem", private_key="mounted/tls.key")
    gateway = town.world.gateway(config)
    assert shown(gateway) == fingerprint(base + "..2026_1/tls.pem")
    link("..2026_2", base + "..data")
    shows(gateway, base + "..2026_2/tls.pem")
    shutil.copytree(base + "..2026_1", base + "..2026_3")
    shutil.rmtree(base + "..2026_1")
    link("..2026_3", base + "..data")
    shows(gateway, base + "..2026_3/tls.pem")


def test_links_to_an_archive_are_followed(town):
    """certbot: live/name/fullchain.pem -> ../../archive/name/fullchain2.pem."""
    live, archive = town.world.path("live", "a", ""), town.world.path("archive", "a", "")

    def renew(number):
        for source, name in zip(issue(town), ("fullchain", "privkey")):
            shutil.copyfile(source, f"{archive}{name}{number}.pem")
            link(f"../../archive/a/{name}{number}.pem", f"{live}{name}.pem")
    renew(1)
    config = town.world.config()
    config["instances"][A].update(certificate="live/a/fullchain.pem",
                                  private_key="live/a/privkey.pem")
    gateway = town.world.gateway(config)
    for number in (2, 3):
        renew(number)
        shows(gateway, f"{archive}fullchain{number}.pem")
    assert not gateway.log.find("tls.reload_failed"), "half of an exchange is no error"


def test_half_of_an_exchange_keeps_the_old_and_is_forgotten_with_the_other_half(town, operator):
    before = shown(town.gateway)
    certificate, key = issue(town)
    os.replace(certificate, in_place(town)[0])
    failure = town.log.wait("tls.reload_failed", server=A)
    assert "does not belong to" in failure["reason"]
    assert shown(town.gateway) == before
    problem = row(operator)
    assert "does not belong to" in problem["problem"] and problem["problem_since"] > 0
    assert problem["fingerprint"] == before
    assert operator.get("/readyz").status == 200, "the one in use is good"
    os.replace(key, in_place(town)[1])
    shows(town.gateway, in_place(town)[0])
    poll(lambda: "problem" not in row(operator), what="the problem's end")
    assert len(town.log.find("tls.reload_failed")) == 1, "said once"


@pytest.mark.parametrize("how, words", [
    ({"days": -1, "start_days": -9}, "has expired"),
    ({"start_days": 5}, "not valid yet"),
    ({"dns": ["other.example.test"]}, "is for other.example.test"),
], ids=["expired", "future", "name"])
def test_one_that_peers_would_refuse_does_not_replace_a_good_one(town, operator, how, words):
    before = shown(town.gateway)
    for source, target in zip(issue(town, **how), in_place(town)):
        os.replace(source, target)
    assert words in town.log.wait("tls.reload_failed", server=A)["reason"]
    assert shown(town.gateway) == before
    assert words in row(operator)["problem"]


def test_files_that_are_broken_or_gone_keep_the_old(town, operator):
    before = shown(town.gateway)
    certificate, key = in_place(town)
    kept = certificate + ".kept"
    shutil.copyfile(certificate, kept)
    town.world.write(f"tls/{A}.pem", "this is no certificate\n")
    town.log.wait("tls.reload_failed", server=A)
    os.remove(certificate)
    town.log.wait("tls.reload_failed", 2, server=A)
    assert shown(town.gateway) == before
    assert "No such file" in row(operator)["problem"]
    mark = town.log.mark()
    os.replace(kept, certificate)
    town.log.wait("tls.certificate_exchanged", since=mark, server=A)
    assert shown(town.gateway) == before and "problem" not in row(operator)


def test_one_that_ends_soon_is_warned_about_and_one_that_has_ended_more(world):
    world.instance(A)
    world.instance("b.example.test")
    world.authority.issue(A, days=13)
    world.authority.issue("b.example.test", days=-1, start_days=-20)
    gateway = world.gateway()
    assert gateway.log.wait("tls.certificate_expires", server=A)["days_left"] in (12, 13)
    assert gateway.log.wait("tls.certificate_expired", server="b.example.test")["level"] == "error"
    for source, target in zip(world.authority.issue("b.example.test", stem="b2"),
                              ("tls/b.example.test.pem", "tls/b.example.test.key")):
        os.replace(source, world.path(*target.split("/")))
    gateway.log.wait("tls.certificate_exchanged", server="b.example.test")


def test_an_issuer_that_our_own_anchors_do_not_know_is_told(town, operator):
    from scaiwave.certs import Authority
    other = Authority(town.world.path("other", "ca"), "Another CA")
    for source, target in zip(other.issue(A), in_place(town)):
        os.replace(source, target)
    shows(town.gateway, in_place(town)[0])
    assert "no trust anchor" in row(operator)["distrust"]
