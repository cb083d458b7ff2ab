"""ccxt, over REST and over WebSocket: `with_ccxt.py REST WEBSOCKET`."""

import asyncio
import sys

import ccxt
import ccxt.pro

from checks import Checks, name, only_loopback

REST, SOCKET = sys.argv[1:]
SYMBOL = "BTC/USDT"
PATIENCE = 20


def pointed(exchange):
    """Every base that ccxt knows leads to loopback."""
    for key, value in exchange.urls["api"].items():
        if isinstance(value, str):
            path = {"public": "/api/v3", "private": "/api/v3", "v1": "/api/v1"}.get(key, f"/{key}")
            if key.startswith("fapi"):
                version = key[-2:] if key[-2:] in ("V2", "V3") else "v1"
                path = f"/fapi/{version.lower()}"
            exchange.urls["api"][key] = REST + path
    streams = exchange.urls["api"].get("ws")
    if streams is None:
        return exchange
    for key in streams:
        if isinstance(streams[key], str):
            streams[key] = SOCKET + "/ws/stream"
    # ccxt tells spot by "/stream" in the address; as the name of a stream it means nothing.
    streams["spot"] = SOCKET + "/ws/stream"
    streams["future"] = streams["linear"] = SOCKET + "/ws"
    streams["ws-api"]["spot"] = SOCKET + "/ws-api/v3"
    streams["ws-api"]["future"] = SOCKET + "/ws-fapi/v1"
    return exchange


def options(kind, markets):
    return {
        "apiKey": "local-key",
        "secret": "local-secret",
        "options": {
            "defaultType": kind,
            "fetchCurrencies": False,
            "fetchMargins": False,
            "fetchMarkets": {"types": [markets]},
            "warnOnFetchOpenOrdersWithoutSymbol": False,
        },
    }


def spot_rest(checks):
    exchange = pointed(ccxt.binance(options("spot", "spot")))
    markets = exchange.load_markets()
    checks.equal("REST: markets", sorted(markets), ["BTC/USDT", "ETH/USDT"])
    checks.equal("REST: price step", markets[SYMBOL]["precision"]["price"], 0.01)
    checks.that("REST: time", abs(exchange.fetch_time() - exchange.milliseconds()) < 2_000)
    book = exchange.fetch_order_book(SYMBOL)
    checks.that("REST: book", book["bids"][0][0] < book["asks"][0][0])
    checks.that("REST: trades", len(exchange.fetch_trades(SYMBOL)) > 100)
    bars = exchange.fetch_ohlcv(SYMBOL, "1m", limit=100)
    checks.that("REST: bars", len(bars) == 100 and bars[1][0] - bars[0][0] == 60_000)
    ticker = exchange.fetch_ticker(SYMBOL)
    checks.that("REST: ticker", ticker["bid"] < ticker["ask"] and ticker["low"] <= ticker["high"])
    before = exchange.fetch_balance()["BTC"]["free"]
    bought = exchange.create_order(SYMBOL, "market", "buy", 0.01)
    checks.equal("REST: market order", (bought["status"], bought["filled"]), ("closed", 0.01))
    checks.that("REST: market order's fee", bought["fees"][0]["currency"] == "USDT")
    after = exchange.fetch_balance()["BTC"]["free"]
    checks.equal("REST: balance", round(after - before, 8), 0.01)
    own = exchange.fetch_my_trades(SYMBOL)
    checks.that("REST: own trades", any(trade["order"] == bought["id"] for trade in own))
    price = float(int(ticker["bid"] * 0.9))
    client = name("ccxt")
    order = exchange.create_order(SYMBOL, "limit", "buy", 0.02, price, {"clientOrderId": client})
    checks.equal("REST: limit order", (order["status"], order["clientOrderId"]), ("open", client))
    spot_rest_changes(checks, exchange, order, price)


def spot_rest_changes(checks, exchange, order, price):
    found = exchange.fetch_order(order["id"], SYMBOL)
    checks.equal("REST: order", (found["amount"], found["price"]), (0.02, price))
    path = "order/amend/keepPriority"
    query = {"symbol": "BTCUSDT", "orderId": order["id"], "newQty": "0.01"}
    amended = exchange.request(path, ["private"], "PUT", query)
    checks.equal("REST: amended", float(amended["amendedOrder"]["qty"]), 0.01)
    edited = exchange.edit_order(order["id"], SYMBOL, "limit", "buy", 0.03, price + 1)
    checks.equal("REST: edited", (edited["amount"], edited["price"]), (0.03, price + 1))
    ids = [known["id"] for known in exchange.fetch_open_orders(SYMBOL)]
    checks.equal("REST: open orders", ids, [edited["id"]])
    gone = exchange.cancel_order(edited["id"], SYMBOL)
    checks.equal("REST: cancelled", gone["status"], "canceled")
    checks.raises("REST: second cancel", ccxt.OrderNotFound,
                  caught(lambda: exchange.cancel_order(edited["id"], SYMBOL)))
    checks.raises("REST: too much", ccxt.InsufficientFunds,
                  caught(lambda: exchange.create_order(SYMBOL, "limit", "buy", 100, price)))
    stranger = pointed(ccxt.binance({**options("spot", "spot"), "secret": "wrong"}))
    checks.raises("REST: wrong secret", ccxt.AuthenticationError, caught(stranger.fetch_balance))
    stop = exchange.create_order(SYMBOL, "market", "sell", 0.01, None, {"stopLossPrice": price})
    checks.equal("REST: stop", stop["triggerPrice"] or stop["stopPrice"], price)
    exchange.cancel_all_orders(SYMBOL)
    checks.equal("REST: cancelled all", exchange.fetch_open_orders(SYMBOL), [])


def caught(action):
    try:
        return action()
    except Exception as error:
        return error


def futures_rest(checks):
    exchange = pointed(ccxt.binance(options("future", "linear")))
    markets = exchange.load_markets()
    symbol = "BTC/USDT:USDT"
    checks.that("futures: markets", symbol in markets and markets[symbol]["linear"])
    ticker = exchange.fetch_order_book(symbol)
    bought = exchange.create_order(symbol, "market", "buy", 0.01)
    found = exchange.fetch_order(bought["id"], symbol)
    checks.equal("futures: market order", (found["status"], found["filled"]), ("closed", 0.01))
    positions = exchange.fetch_positions([symbol])
    checks.equal("futures: position", [known["contracts"] for known in positions], [0.01])
    price = float(int(ticker["bids"][0][0] * 0.9))
    order = exchange.create_order(symbol, "limit", "buy", 0.01, price)
    edited = exchange.edit_order(order["id"], symbol, "limit", "buy", 0.02, price + 1)
    checks.equal("futures: edited", (edited["id"], edited["price"]), (order["id"], price + 1))
    exchange.cancel_order(order["id"], symbol)
    checks.equal("futures: cancelled", exchange.fetch_open_orders(symbol), [])
    exchange.create_order(symbol, "market", "sell", 0.01, None, {"reduceOnly": True})
    checks.equal("futures: closed", exchange.fetch_positions([symbol]), [])
    checks.that("futures: balance", exchange.fetch_balance()["USDT"]["total"] > 900_000)


async def within(what, action):
    return await asyncio.wait_for(action, PATIENCE)


async def sockets(checks):
    exchange = pointed(ccxt.pro.binance(options("spot", "spot")))
    try:
        await streams(checks, exchange)
        await orders(checks, exchange)
    finally:
        await exchange.close()


async def streams(checks, exchange):
    await exchange.load_markets()
    trades = await within("trades", exchange.watch_trades(SYMBOL))
    checks.that("socket: trades", trades[-1]["price"] > 0)
    book = await within("book", exchange.watch_order_book(SYMBOL))
    for _ in range(5):
        book = await within("book", exchange.watch_order_book(SYMBOL))
    checks.that("socket: book", book["bids"][0][0] < book["asks"][0][0] and len(book["bids"]) > 50)
    ticker = await within("ticker", exchange.watch_ticker(SYMBOL))
    checks.that("socket: ticker", ticker["last"] > 0)
    bars = await within("bars", exchange.watch_ohlcv(SYMBOL, "1m"))
    checks.that("socket: bars", bars[-1][2] >= bars[-1][3])
    quotes = await within("quotes", exchange.watch_bids_asks([SYMBOL]))
    checks.that("socket: quotes", quotes[SYMBOL]["bid"] < quotes[SYMBOL]["ask"])


async def orders(checks, exchange):
    seen = []

    async def watch():
        while True:
            for order in await exchange.watch_orders(SYMBOL):
                # ccxt changes the orders that it has handed out.
                seen.append((order["id"], order["status"], order["filled"]))

    watching = asyncio.ensure_future(watch())
    await asyncio.sleep(2)
    balance = await within("balance", exchange.fetch_balance_ws())
    # ccxt reads no amounts from this answer, and hands it on.
    checks.that("socket: account", balance["info"]["canTrade"])
    bid = (await exchange.fetch_order_book(SYMBOL))["bids"][0][0]
    price = float(int(bid * 0.9))
    order = await within("place", exchange.create_order_ws(SYMBOL, "limit", "buy", 0.02, price))
    checks.equal("socket: limit order", order["status"], "open")
    edited = await within(
        "edit", exchange.edit_order_ws(order["id"], SYMBOL, "limit", "buy", 0.03, price)
    )
    checks.equal("socket: edited", edited["amount"], 0.03)
    found = await within("order", exchange.fetch_order_ws(edited["id"], SYMBOL))
    checks.equal("socket: order", found["status"], "open")
    opened = await within("open", exchange.fetch_open_orders_ws(SYMBOL))
    checks.equal("socket: open orders", [known["id"] for known in opened], [edited["id"]])
    gone = await within("cancel", exchange.cancel_order_ws(edited["id"], SYMBOL))
    checks.equal("socket: cancelled", gone["status"], "canceled")
    bought = await within("market", exchange.create_order_ws(SYMBOL, "market", "buy", 0.01))
    checks.equal("socket: market order", (bought["status"], bought["filled"]), ("closed", 0.01))
    for _ in range(PATIENCE * 10):
        if (bought["id"], "closed", 0.01) in seen:
            break
        await asyncio.sleep(0.1)
    watching.cancel()
    expected = [
        (order["id"], "open", 0.0),
        (order["id"], "canceled", 0.0),
        (edited["id"], "open", 0.0),
        (edited["id"], "canceled", 0.0),
        (bought["id"], "open", 0.0),
        (bought["id"], "closed", 0.01),
    ]
    for step in expected:
        checks.that(f"socket: told of {step[1]}", step in seen, f"{step} is not in {seen}")


def main():
    only_loopback()
    checks = Checks(f"ccxt {ccxt.__version__}")
    spot_rest(checks)
    futures_rest(checks)
    asyncio.run(sockets(checks))
    checks.done()


main()
