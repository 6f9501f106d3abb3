"""Runs an inventory with sllurp against an LLRP reader and prints what it was told, one JSON object per line.

Arguments: host, port, antennas (1,2), seconds. The package's own command line is broken in some releases; its library is not.
"""

import json
import sys
import time

from sllurp.llrp import LLRPReaderClient, LLRPReaderConfig

host, port = sys.argv[1], int(sys.argv[2])
antennas = [int(antenna) for antenna in sys.argv[3].split(",")]
config = LLRPReaderConfig(
    {
        "antennas": antennas,
        "tx_power": 0,
        "mode_identifier": 1,
        "keepalive_interval": 500,
        "report_every_n_tags": 1,
        "start_inventory": True,
        "tag_content_selector": {
            "EnableROSpecID": True,
            "EnableSpecIndex": True,
            "EnableInventoryParameterSpecID": True,
            "EnableAntennaID": True,
            "EnableChannelIndex": True,
            "EnablePeakRSSI": True,
            "EnableFirstSeenTimestamp": True,
            "EnableLastSeenTimestamp": True,
            "EnableTagSeenCount": True,
            "EnableAccessSpecID": False,
            "C1G2EPCMemorySelector": {"EnableCRC": False, "EnablePCBits": False},
        },
    }
)


def say(**fields):
    print(json.dumps(fields, default=lambda value: value.decode()), flush=True)


client = LLRPReaderClient(host, port, config)
client.add_tag_report_callback(lambda _reader, tags: [say(tag=tag) for tag in tags])
client.add_event_callback(lambda _reader, event: say(event=event))
client.connect()
time.sleep(float(sys.argv[4]))
say(capabilities=client.llrp.capabilities["GeneralDeviceCapabilities"], mode=client.llrp.reader_mode)
client.disconnect(timeout=3)
say(disconnected=not client.is_alive())
