"""A Modbus server by pymodbus, for the drivers to read: an XY-MD02 as unit 1 and a contact module as unit 2.

usage: modbus-server.py serial PATH | tcp PORT; prints 'ready' when it serves; ends with its standard input.
"""

import asyncio
import sys

from pymodbus import FramerType
from pymodbus.datastore import (
    ModbusDeviceContext,
    ModbusSequentialDataBlock,
    ModbusServerContext,
)
from pymodbus.server import ModbusSerialServer, ModbusTcpServer


def block(values):
    # pymodbus keeps its blocks from address 1; protocol address 0 is their first value.
    return ModbusSequentialDataBlock(1, values)


def context():
    climate = ModbusDeviceContext(ir=block([0, 65421, 567] + [0] * 10))
    contacts = ModbusDeviceContext(di=block([True, False, True, True] + [False] * 10))
    return ModbusServerContext(devices={1: climate, 2: contacts}, single=False)


async def main():
    kind, where = sys.argv[1:]
    if kind == "serial":
        server = ModbusSerialServer(
            context(), framer=FramerType.RTU, port=where, baudrate=9600
        )
    else:
        server = ModbusTcpServer(context(), address=("127.0.0.1", int(where)))
    await server.serve_forever(background=True)
    print("ready", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    await server.shutdown()


asyncio.run(main())
