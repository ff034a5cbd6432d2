"""`gate-scanner doctor`: what a gate needs, checked one by one, each with what to do about it."""

import os
import secrets
import shutil
import socket
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from scanner.camera.probe import probe
from scanner.camera.second import second_decoder_available
from scanner.cli.lock import gate_runs
from scanner.cli.neighbour_names import names_of
from scanner.cli.neighbours import open_peer_store
from scanner.cli.node import identity_of
from scanner.cli.settings import Settings, load
from scanner.cli.status import list_complaints
from scanner.errors import GateError
from scanner.event_zone import zone_known
from scanner.hw.gpio import open_gpio
from scanner.hw.mock import mock_hardware
from scanner.hw.turnstile import GpioHardware
from scanner.identity import ENROL, Identities
from scanner.journal_recovery import inspect
from scanner.list_age import ListHealth
from scanner.listening import listen
from scanner.ports import HardwareEvent
from scanner.store import check_format, connect
from scanner.sync.answers import Problem, Revoked
from scanner.sync.client import NodeClient
from scanner.sync.signed import Timeouts
from scanner.system_clock import ntp_bound, system_clock
from scanner.view import GateView, Trust

LEAST_FREE = 200 << 20
SLOW_SYNC_S = 0.2
CONNECT_S = 1.0


@dataclass(frozen=True, slots=True)
class Finding:
    """One check: how it went, and what to do if it did not go well."""

    what: str
    good: bool
    report: str
    advice: str = ""

    def line(self) -> str:
        """For people."""
        mark = "ok " if self.good else "BAD"
        advice = f"\n             -> {self.advice}" if self.advice else ""
        return f"{mark}  {self.what:<8} {self.report}{advice}"


def examine(config: Path | None) -> Iterator[Finding]:
    """All findings, each as soon as it is known. Only a configuration that can't be read ends it early."""
    settings = load(config)
    yield Finding("config", good=True, report="readable, pins do not clash")
    if gate_runs(settings.state_folder):
        yield Finding("gate", good=True, report="it runs, so journal, view, pins and camera are left alone: see status")
        checks = [_disk, _keys, _clock, _node, _second]
    elif Identities(settings.state_folder).are_told:
        checks = [_disk, _keys, _clock, _node, _second, _journal, _view, _gates, _page, _pins, _camera]
    else:
        yield _no_gate(settings)
        checks = [_disk, _clock, _second, _pins, _camera]
    for check in checks:
        try:
            yield check(settings)
        except GateError as error:
            yield Finding(check.__name__.strip("_"), good=False, report=str(error))


def _no_gate(settings: Settings) -> Finding:
    report = f"this machine is no gate: nothing is enrolled in {settings.state_folder}"
    advice = f"to make it one, {ENROL}; for a ledger node there is no doctor: see docs/operations.md"
    return Finding("keys", good=False, report=report, advice=advice)


def _disk(settings: Settings) -> Finding:
    """The state folder, or where it would be made: a look makes no folder."""
    wanted = settings.state_folder.absolute()
    folder = next(place for place in (wanted, *wanted.parents) if place.exists())
    try:
        seconds = _synced_write(folder / "doctor.tmp")
        free = shutil.disk_usage(folder).free
    except OSError as error:
        return Finding("disk", good=False, report=f"{folder}: {error}", advice="make it writable, or free some space")
    report = f"{folder}: {free >> 20} MiB free, a synced write takes {seconds * 1000:.1f} ms"
    if free < LEAST_FREE:
        return Finding("disk", good=False, report=report, advice="free some space: a full disk closes the gate")
    slow = "a slow card makes people wait: use an industrial or A2 card" if seconds > SLOW_SYNC_S else ""
    return Finding("disk", good=not slow, report=report, advice=slow)


def _synced_write(path: Path) -> float:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        os.write(handle, bytes(4096))
        start = time.perf_counter()
        os.fsync(handle)
        return time.perf_counter() - start
    finally:
        os.close(handle)
        path.unlink()


def _keys(settings: Settings) -> Finding:
    identities = Identities(settings.state_folder)
    enrolled = identities.enrolled()
    identities.key()
    report = f"device {enrolled.device}, gate {enrolled.gate} of {enrolled.event}"
    if identities.key_is_locked:
        return Finding("keys", good=True, report=f"{report}, key locked to this board")
    advice = "the key lies readable on the card: revoke the device if it is stolen, or give it a board secret"
    return Finding("keys", good=True, report=f"{report}, key not locked", advice=advice)


def _journal(settings: Settings) -> Finding:
    path = settings.state_folder / "journal.db"
    check_format(path)
    try:
        damage, salvage = inspect(path, Identities(settings.state_folder).key().public, connect)
    except sqlite3.Error as error:
        return Finding("journal", good=False, report=f"{path}: {error}", advice="check the disk; is a gate running?")
    advice = (
        "start the gate: it sets the journal aside, carries over what can be read, and reports it" if damage else ""
    )
    return Finding("journal", good=not damage, report=damage or f"{len(salvage.records)} records, whole", advice=advice)


def _view(settings: Settings) -> Finding:
    enrolled = Identities(settings.state_folder).enrolled()
    trust = Trust(bytes.fromhex(enrolled.node_key), enrolled.event)
    view = GateView(settings.state_folder / "view", trust, time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()))
    try:
        if view.manifest is None:
            advice = "connect to the node once: nobody can be admitted before the first snapshot"
            return Finding("view", good=False, report=view.damage or "no snapshot yet", advice=advice)
        if not zone_known(view.manifest.zone):
            report = f"times of the event are told in {view.manifest.zone}, which this machine does not know"
            return Finding("view", good=False, report=report, advice="apt install tzdata; until then they are in UTC")
        health = ListHealth(view.unheard, view.manifest.policy.list_expires)
        if ending := list_complaints(health):
            return Finding("view", good=not health.expired, report=ending[0])
        age = time.time() - view.at
        return Finding("view", good=True, report=f"{view.tickets} tickets at log size {view.size}, {age:.0f} s old")
    finally:
        view.close()


def _gates(settings: Settings) -> Finding:
    """The other gates, as the node told of them: can they be reached, and can they reach this one?"""
    peers = settings.peers
    if not peers.enabled:
        return Finding("gates", good=True, report="this gate does not speak to others: [peers] is off")
    listen(peers.host, peers.port, "peers").close()
    enrolled = Identities(settings.state_folder).enrolled()
    store = open_peer_store(settings, enrolled, "doctor")
    try:
        known = store.peers()
    finally:
        store.close()
    named = zip(known, names_of(enrolled.gate, [(peer.gate, peer.device) for peer in known]), strict=True)
    silent = [f"{name} ({peer.address or 'no address'})" for peer, name in named if not _answers(peer.address)]
    report = f"port {peers.port} is free; {len(known) - len(silent)} of {len(known)} other gates can be reached"
    if not silent:
        return Finding("gates", good=True, report=report)
    advice = f"not {', '.join(silent)}: do they run? else firewall, other network, or client isolation on the Wi-Fi"
    return Finding("gates", good=len(silent) < len(known), report=report, advice=advice)


def _page(settings: Settings) -> Finding:
    """The staff's page: without its port the gate does not start."""
    kiosk = settings.kiosk
    if not kiosk.enabled:
        return Finding("page", good=True, report="no page for staff: [kiosk] is off")
    listen(kiosk.host, kiosk.port, "kiosk").close()
    return Finding("page", good=True, report=f"port {kiosk.port} on {kiosk.host} is free")


def _answers(address: str) -> bool:
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), CONNECT_S).close()
    except (OSError, ValueError, OverflowError):
        return False
    return True


def _clock(_settings: Settings) -> Finding:
    if ntp_bound() is not None:
        return Finding("clock", good=True, report="held by NTP")
    advice = "fine while the node is reachable; add NTP or a clock battery for starts without it"
    return Finding(
        "clock", good=True, report="not held by NTP: the node's and other gates' signed times are used", advice=advice
    )


def _node(settings: Settings) -> Finding:
    identities = Identities(settings.state_folder)
    enrolled = identities.enrolled()
    url = settings.node.url or enrolled.url
    client = NodeClient(
        url,
        identity_of(enrolled, identities.key()),
        system_clock().now,
        lambda: secrets.token_hex(16),
        timeouts=Timeouts(connect=2.0, total=5.0),
        ca=settings.node.ca or None,
    )
    try:
        start = time.perf_counter()
        answer = client.time()
        took = (time.perf_counter() - start) * 1000
    finally:
        client.close()
    if isinstance(answer, Revoked):
        return Finding("node", good=False, report=f"{url}: this device was revoked", advice="enrol it again")
    if isinstance(answer, Problem):
        return Finding("node", good=False, report=f"{url}: {answer.sentence()}")
    if not answer.time_told:
        advice = "see `ledger-node alerts list` there: its clock has jumped, and it tells no time until that is settled"
        return Finding("node", good=False, report=f"{url}: answers in {took:.0f} ms, and tells no time", advice=advice)
    off = answer.time_ms / 1000 - time.time()
    return Finding("node", good=True, report=f"{url}: answers in {took:.0f} ms, its clock is {off:+.1f} s from ours")


def _pins(settings: Settings) -> Finding:
    if settings.pins == "mock":
        hardware, turnstile = mock_hardware(settings.pin_config, None, lambda: None)
        turnstile.start()
        report = "mock: no turnstile is driven"
    else:
        hardware, turnstile = GpioHardware(settings.pins, open_gpio()), None
        report = "claimed and freed, relay at rest"
    heard: list[HardwareEvent] = []
    hardware.start(heard.append)
    hardware.close()
    if turnstile:
        turnstile.close()
    return Finding("pins", good=True, report=report)


def _camera(settings: Settings) -> Finding:
    found = probe(settings.camera)
    return Finding("camera", good=found.good, report=found.report, advice=found.advice)


def _second(_settings: Settings) -> Finding:
    if second_decoder_available():
        return Finding("decoder", good=True, report="zxing-cpp, and zbar for a second look")
    return Finding("decoder", good=True, report="zxing-cpp only", advice="apt install libzbar0 adds a second look")
