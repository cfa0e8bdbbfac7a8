"""A small calendar, as a server of the Model Context Protocol (MCP). It stands for any MCP server that you have.

examples/mcp_calendar.py starts it, and speaks with it over stdio:

python examples/mcp_calendar_server.py calendar.db
"""

import sqlite3
import sys
from contextlib import closing
from datetime import date

from mcp.server.mcpserver import MCPServer

TIMES = ("09:00", "10:00", "11:00", "14:00", "15:00", "16:00")

server = MCPServer("calendar")


@server.tool()
def free_slots(day: str) -> str:
    """Tell which times of a day (YYYY-MM-DD) are free."""
    if (problem := _problem(day)) is not None:
        return problem
    with closing(_open()) as calendar:
        taken = {time for (time,) in calendar.execute("SELECT time FROM bookings WHERE day = ?", (day,))}
    return ", ".join(time for time in TIMES if time not in taken) or "Nothing is free on that day."


@server.tool()
def book(day: str, time: str, name: str) -> str:
    """Book a time (HH:MM) of a day (YYYY-MM-DD) for the person of this name."""
    if (problem := _problem(day, time)) is not None:
        return problem
    with closing(_open()) as calendar, calendar:
        booked = calendar.execute("INSERT OR IGNORE INTO bookings VALUES (?, ?, ?)", (day, time, name)).rowcount
    return f"Booked: {day} at {time} for {name}." if booked else f"{time} on {day} is taken. Offer another time."


@server.tool()
def cancel(day: str, time: str, name: str) -> str:
    """Cancel what the person of this name has booked."""
    with closing(_open()) as calendar, calendar:
        found = calendar.execute("DELETE FROM bookings WHERE day = ? AND time = ? AND name = ?", (day, time, name))
    return "Cancelled." if found.rowcount else f"{name} has booked nothing on {day} at {time}."


def _problem(day: str, time: str = TIMES[0]) -> str | None:
    """What is wrong with a day and a time, for the model to read."""
    try:
        date.fromisoformat(day)
    except ValueError:
        return f"{day} is not a day. Write it as YYYY-MM-DD."
    return None if time in TIMES else f"{time} is not one of the times {', '.join(TIMES)}."


def _open() -> sqlite3.Connection:
    """The bookings are in a file, so they outlive this process."""
    calendar = sqlite3.connect(sys.argv[1])
    calendar.execute("CREATE TABLE IF NOT EXISTS bookings (day TEXT, time TEXT, name TEXT, PRIMARY KEY (day, time))")
    return calendar


if __name__ == "__main__":
    server.run()
