"""Real ingest and worker with InfluxDB dead: the alarm is raised all the same, and later every reading is there."""

from pathlib import Path

from brokers import MosquittoServer
from influx import InfluxTestServer
from processes import Client, Stand, now_ms, reading, until

PLC = "gengfu/v1/yunhe/domestic-plc/reading"


def test_an_alarm_does_not_wait_for_influxdb(influx_server: InfluxTestServer, tmp_path: Path) -> None:
    server = influx_server.fresh()
    settings = {
        "influx_url": server.url,
        "influx_bucket": server.bucket,
        "influx_org": server.org,
        "influx_token": server.token,
    }
    with (
        influx_server.misbehaving("down"),
        MosquittoServer(tmp_path) as broker,
        Stand(tmp_path, broker.port, **settings) as stand,
        Client(broker.port) as client,
    ):
        stand.start("ingest")
        until(stand.hears, "ingest does not hear the broker")
        start_ms = now_ms() - 25_000
        for second in range(26):
            value = 0.45 if second < 5 else 0.6
            client.publish(PLC, reading("boot", second + 1, "low-zone-pressure", value, start_ms + second * 1000))
        opened = "SELECT id FROM alert WHERE rule = 'NUM-01' AND target = 'yunhe/low-zone-pressure'"
        until(lambda: stand.query(opened), "no alert")
        assert influx_server.count(server) == 0
        # Killed with everything still in its spool, it goes on where it was, and the server comes back.
        stand.processes[0].kill()
        influx_server.mode.how = "up"
        stand.start("ingest")
        until(lambda: influx_server.count(server) == 26, "the readings do not arrive")
        client.publish(PLC, reading("boot", 27, "low-zone-pressure", 0.6))
        until(lambda: influx_server.count(server) == 27, "new readings do not arrive")
        figures = "SELECT figures FROM heartbeat WHERE role = 'ingest'"
        until(lambda: '"spool_rows": 0' in str(stand.scalar(figures)).replace("'", '"'), "no figures of the spool")
        assert not (stand.data_dir / "timeseries.db").exists()
