"""Twenty-one tools of a household, as a person might add them; they do nothing."""

from datetime import date, datetime
from typing import Literal

from tinyagent import tool
from tinyagent.tools.kinds import Text


@tool(changes=False)
def weather_forecast(place: str, day: date | None = None) -> str:
    """Get the weather forecast for a place: rain, sun, wind and temperature.

    place: the town or region
    day: which day; today if left out
    """
    return f"{place}: dry, {day or 'today'}"


@tool
def set_lights(room: str, state: Literal["on", "off", "dim"]) -> None:
    """Switch the lights of a room on or off, or dim them.

    room: which room
    state: what to do with them
    """


@tool
def set_thermostat(degrees: float, room: str = "") -> None:
    """Set the heating of a room to a temperature.

    degrees: in degrees Celsius
    room: which room; the whole house if left out
    """


@tool
def start_vacuum(room: str = "") -> None:
    """Let the robot vacuum cleaner clean a room.

    room: which room; all if left out
    """


@tool
def lock_door(door: str, locked: bool = True) -> None:
    """Lock or unlock a door of the house.

    door: which door
    locked: false to unlock it
    """


@tool
def play_music(what: str, room: str = "") -> None:
    """Play a song, an album, an artist or a playlist on the speakers.

    what: what to play
    room: where; the living room if left out
    """


@tool
def set_volume(percent: int) -> None:
    """Make the music or the television louder or quieter.

    percent: 0 to 100
    """


@tool
def start_kitchen_timer(minutes: int, label: str = "") -> None:
    """Start a countdown timer for cooking, which rings at its end.

    minutes: how long
    label: what it is for
    """


@tool
def set_alarm_clock(at: datetime) -> None:
    """Set the alarm clock that wakes you up.

    at: when it rings
    """


@tool(changes=False)
def find_recipe(ingredients: list[str]) -> str:
    """Find a cooking recipe that uses some ingredients.

    ingredients: what there is to cook with
    """
    return ", ".join(ingredients)


@tool
def order_groceries(items: list[str]) -> None:
    """Order food and household goods from the supermarket for delivery.

    items: what to order
    """


@tool
def water_garden(minutes: int = 10) -> None:
    """Turn the garden sprinkler on to water the plants.

    minutes: how long
    """


@tool
def open_garage(closed: bool = False) -> None:
    """Open or close the garage door.

    closed: true to close it
    """


@tool
def charge_car(percent: int = 80) -> None:
    """Charge the electric car's battery up to a level.

    percent: the level to stop at
    """


@tool(changes=False)
def car_range() -> str:
    """Tell how many kilometres the electric car can drive on its battery."""
    return "212 km"


@tool
def log_meal(meal: str, calories: int = 0) -> None:
    """Write down a meal in the food diary, with its calories.

    meal: what was eaten
    calories: how many; unknown if left out
    """


@tool
def log_weight(kilograms: float) -> None:
    """Record your body weight in the health log.

    kilograms: the weight
    """


@tool(changes=False)
def step_count(day: date | None = None) -> str:
    """Tell how many steps you walked on a day.

    day: which day; today if left out
    """
    return f"8,412 ({day or 'today'})"


@tool
def feed_pet(portions: int = 1) -> None:
    """Let the automatic feeder give the cat or dog its food.

    portions: how many
    """


@tool(changes=False)
def show_camera(place: str) -> str:
    """Show the picture of a security camera.

    place: where the camera is
    """
    return f"camera {place}"


@tool
def write_diary(entry: Text) -> None:
    """Add an entry to the private diary.

    entry: what happened
    """
