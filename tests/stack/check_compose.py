#!/usr/bin/env python3
"""Checks deploy/compose.yaml without an engine: names, ports, health, volumes, profiles, variables, files mounted.

Usage: check_compose.py [CONFIG.json]: CONFIG.json is what `docker compose config --format json` printed; without it the
file is read here, with PyYAML. Prints one line a breach; exit status 1 when there is one, 77 without PyYAML.
"""
import json
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
COMPOSE, EXAMPLE = ROOT / "deploy/compose.yaml", ROOT / "deploy/.env.example"
PORTS = {"postgres": {5432}, "rustfs": {9000, 9001}, "dask-scheduler": {8786, 8787}, "prefect": {4200}, "prometheus": {9090},
         "grafana": {3001}, "streamlit": {8501}, "metabase": {3000}}
ONE_SHOT = {"bucket"}
CORE = {"postgres", "rustfs", "bucket"}
SERVICE_KEYS = {"image", "profiles", "environment", "ports", "volumes", "healthcheck", "command", "entrypoint", "depends_on", "restart",
                "security_opt", "logging", "shm_size", "deploy", "networks", "extra_hosts"}
HEALTH_KEYS = {"test", "interval", "timeout", "retries", "start_period"}
breaches = []


def breach(text):
    breaches.append(text)


def variables(text):
    """Values of ${NAME:-default} and ${NAME:?reason}; .env.example names each, with that default or, required, empty."""
    example = dict(re.findall(r"^#?([A-Z_]+)=(.*)$", EXAMPLE.read_text(), re.M))

    def value(match):
        name, default = match.group(1), match.group(3) if match.group(2) == ":-" else ""
        if example.get(name) != default:
            breach(f"{name}: {default!r} here, {example.get(name)!r} in .env.example")
        return default or "secret"
    return re.sub(r"(?<!\$)\$\{([A-Z_]+)(?:(:-|:\?)([^}]*))?\}", value, text).replace("$$", "$")


def read():
    if len(sys.argv) > 1:
        return json.loads(pathlib.Path(sys.argv[1]).read_text())
    try:
        import yaml
    except ImportError:
        print("SKIPPED: no PyYAML here")
        sys.exit(77)
    return yaml.safe_load(variables(COMPOSE.read_text()))


def published(port):
    """(address, port) of "127.0.0.1:3001:3000", or of what docker compose makes of it."""
    if isinstance(port, dict):
        return port.get("host_ip"), int(port["published"])
    address, outside, _ = port.rsplit(":", 2)
    return address, int(outside)


def mounts(service):
    for volume in service.get("volumes", []):
        if isinstance(volume, dict):
            yield volume["type"], volume["source"]
        else:
            source = volume.split(":")[0]
            yield "bind" if source.startswith((".", "/", "~")) else "volume", source


def check(name, service, config):
    for key in set(service) - SERVICE_KEYS:
        breach(f"{name}: unknown key {key}")
    if not re.fullmatch(r"[a-z0-9./-]+:[A-Za-z0-9._-]+", service.get("image", "")) or service["image"].endswith(":latest"):
        breach(f"{name}: image {service.get('image')!r} has no version")
    profiles = set(service.get("profiles", []))
    if profiles != ({"core", "extended"} if name in CORE else {"extended"}):
        breach(f"{name}: profiles {sorted(profiles)}")
    ports = {published(port) for port in service.get("ports", [])}
    if {port for _, port in ports} != PORTS.get(name, set()):
        breach(f"{name}: ports {sorted(ports)}, expected {sorted(PORTS.get(name, set()))}")
    for address, port in ports:
        if address != "127.0.0.1":
            breach(f"{name}: port {port} on {address}")
    health = service.get("healthcheck", {})
    if name not in ONE_SHOT and not health.get("test"):
        breach(f"{name}: no health check")
    for key in set(health) - HEALTH_KEYS:
        breach(f"{name}: unknown health key {key}")
    for kind, source in mounts(service):
        if kind == "volume" and source not in config["volumes"]:
            breach(f"{name}: volume {source} is not declared")
        if kind == "bind" and not (COMPOSE.parent / source).exists():
            breach(f"{name}: mounts {source}, which is not there")
    for other, how in service.get("depends_on", {}).items():
        if other not in config["services"]:
            breach(f"{name}: depends on {other}, which is no service")
        elif not profiles <= set(config["services"][other].get("profiles", [])):
            breach(f"{name}: depends on {other}, which is not in all its profiles")
        elif how["condition"] == "service_healthy" and not config["services"][other].get("healthcheck"):
            breach(f"{name}: waits for the health of {other}, which has no check")


def check_documents(config):
    """docs/operate.md names the ports and images that are used."""
    text = (ROOT / "docs/operate.md").read_text()
    for name, service in config["services"].items():
        if name not in ONE_SHOT and f"`{service['image']}`" not in text:
            breach(f"docs/operate.md does not name {service['image']}")
    for ports in PORTS.values():
        for port in ports:
            if not re.search(rf"^\|.*\b{port}\b", text, re.M):
                breach(f"docs/operate.md does not name port {port}")


def main():
    config = read()
    services = config["services"]
    for name in (set(PORTS) | ONE_SHOT | {"dask-worker"}) ^ set(services):
        breach(f"{name}: missing or unexpected")
    for name, service in services.items():
        check(name, service, config)
    used = {source for service in services.values() for kind, source in mounts(service) if kind == "volume"}
    for name in set(config["volumes"]) - used:
        breach(f"volume {name} is used by no service")
    check_documents(config)
    print("\n".join(breaches) or f"{len(services)} services: sound")
    return 1 if breaches else 0


if __name__ == "__main__":
    sys.exit(main())
