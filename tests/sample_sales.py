"""Makes shops.csv of sample_data by rule: what eight shops sell a day, with prices and promotions planned ahead."""

import datetime
import math
import random

SHOPS = {
    "Abbey Road": "kiosk",
    "Bridge Street": "bakery",
    "Castle Hill": "bakery",
    "Dock Side": "kiosk",
    "East Gate": "bakery",
    "Ferry Lane": "kiosk",
    "Green Park": "kiosk",
    "High Street": "bakery",
}
DAYS, PLANNED = 300, 14
WEEK = {"kiosk": (1.0, 1.0, 1.05, 1.1, 1.3, 0.7, 0.5), "bakery": (0.8, 0.85, 0.9, 1.0, 1.2, 1.7, 0.6)}


def shops(seed=21):
    """Counts are Poisson around a gamma-distributed rate (a negative binomial), so some days are wild for no reason."""
    source = random.Random(seed)
    lines = ["shop,kind,date,price,promotion,sold"]
    for shop, kind in SHOPS.items():
        level, growth, price, left = source.uniform(4, 40), source.uniform(-0.1, 0.3), 2.5, 0
        for day in range(DAYS + PLANNED):
            date = datetime.date(2023, 1, 2) + datetime.timedelta(days=day)
            if day % 28 == 0:
                price = round(source.uniform(2.0, 3.2), 2)
            if left == 0 and source.random() < 0.05:
                left = source.randint(2, 4)
            promotion, left = int(left > 0), max(left - 1, 0)
            rate = level * WEEK[kind][date.weekday()] * (1 + growth * day / DAYS)
            rate *= (2.5 / price) ** 1.5 * (1.8 if promotion else 1.0)
            sold = poisson(source, source.gammavariate(12, rate / 12)) if day < DAYS else ""
            lines.append(f"{shop},{kind},{date},{price:.2f},{promotion},{sold}")
    return "\n".join(lines) + "\n"


def poisson(source, rate):
    """By products of uniforms (Knuth)."""
    limit, product, count = math.exp(-rate), source.random(), 0
    while product > limit:
        product *= source.random()
        count += 1
    return count


MADE = {"shops.csv": shops}
