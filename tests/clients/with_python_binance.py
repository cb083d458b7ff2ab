"""python-binance, over REST and over WebSocket: `with_python_binance.py REST WEBSOCKET`."""

import asyncio
import sys
from importlib.metadata import version

from binance import AsyncClient, BinanceSocketManager
from binance.exceptions import BinanceAPIException

from checks import Checks, name, only_loopback

REST, SOCKET = sys.argv[1:]
SYMBOL = "BTCUSDT"
PATIENCE = 20

AsyncClient.API_URL = REST + "/api"
AsyncClient.FUTURES_URL = REST + "/fapi"
AsyncClient.WS_API_URL = SOCKET + "/ws-api/v3"
BinanceSocketManager.STREAM_URL = SOCKET + "/"
BinanceSocketManager.FSTREAM_URL = SOCKET + "/"


async def caught(action):
    try:
        return await action
    except BinanceAPIException as error:
        return error.code


async def market_data(checks, client):
    info = await client.get_symbol_info(SYMBOL)
    checks.equal("symbol", (info["baseAsset"], info["status"]), ("BTC", "TRADING"))
    book = await client.get_order_book(symbol=SYMBOL, limit=10)
    checks.equal("book", (len(book["bids"]), len(book["asks"])), (10, 10))
    bars = await client.get_klines(symbol=SYMBOL, interval="1m", limit=50)
    checks.equal("bars", len(bars), 50)
    trades = await client.get_aggregate_trades(symbol=SYMBOL)
    checks.that("trades", len(trades) > 100)
    ticker = await client.get_ticker(symbol=SYMBOL)
    checks.that("ticker", float(ticker["lowPrice"]) <= float(ticker["highPrice"]))
    return float(book["bids"][0][0])


async def orders(checks, client, bid):
    price = f"{bid * 0.9:.2f}"
    client_id = name("pb")
    placed = await client.order_limit_buy(
        symbol=SYMBOL, quantity="0.02", price=price, newClientOrderId=client_id
    )
    checks.equal("limit order", (placed["status"], placed["clientOrderId"]), ("NEW", client_id))
    found = await client.get_order(symbol=SYMBOL, orderId=placed["orderId"])
    checks.equal("order", float(found["price"]), float(price))
    replaced = await client.cancel_replace_order(
        symbol=SYMBOL, side="BUY", type="LIMIT", timeInForce="GTC", quantity="0.03", price=price,
        cancelReplaceMode="STOP_ON_FAILURE", cancelOrderId=placed["orderId"],
    )
    checks.equal("replaced", replaced["newOrderResult"], "SUCCESS")
    number = replaced["newOrderResponse"]["orderId"]
    amended = await client._put(
        "order/amend/keepPriority", True, version="v3",
        data={"symbol": SYMBOL, "orderId": number, "newQty": "0.01"},
    )
    checks.equal("amended", float(amended["amendedOrder"]["qty"]), 0.01)
    opened = await client.get_open_orders(symbol=SYMBOL)
    checks.equal("open orders", [order["orderId"] for order in opened], [number])
    gone = await client.cancel_order(symbol=SYMBOL, orderId=number)
    checks.equal("cancelled", gone["status"], "CANCELED")
    again = await caught(client.cancel_order(symbol=SYMBOL, orderId=number))
    checks.equal("second cancel", again, -2011)
    unknown = await caught(client.get_order(symbol=SYMBOL, orderId=999_999))
    checks.equal("unknown order", unknown, -2013)
    odd = await caught(client.order_limit_buy(symbol=SYMBOL, quantity="0.02", price="50000.001"))
    checks.equal("off the tick", odd, -1013)
    sold = await client.order_market_sell(symbol=SYMBOL, quantity="0.01")
    checks.equal("market order", (sold["status"], len(sold["fills"]) > 0), ("FILLED", True))
    own = await client.get_my_trades(symbol=SYMBOL)
    checks.that("own trades", any(trade["orderId"] == sold["orderId"] for trade in own))
    account = await client.get_account()
    checks.that("account", any(row["asset"] == "USDT" for row in account["balances"]))


async def futures(checks, client):
    info = await client.futures_exchange_info()
    checks.that("futures: symbols", any(row["symbol"] == SYMBOL for row in info["symbols"]))
    bought = await client.futures_create_order(
        symbol=SYMBOL, side="BUY", type="MARKET", quantity="0.01", newOrderRespType="RESULT"
    )
    checks.equal("futures: market order", bought["status"], "FILLED")
    rows = await client.futures_position_information(symbol=SYMBOL)
    checks.equal("futures: position", float(rows[0]["positionAmt"]), 0.01)
    bought = await client.futures_create_order(
        symbol=SYMBOL, side="SELL", type="MARKET", quantity="0.01", reduceOnly="true"
    )
    rows = await client.futures_position_information(symbol=SYMBOL)
    checks.equal("futures: closed", float(rows[0]["positionAmt"]), 0.0)


async def streams(checks, client):
    manager = BinanceSocketManager(client)
    async with manager.trade_socket(SYMBOL) as stream:
        event = await asyncio.wait_for(stream.recv(), PATIENCE)
        checks.equal("stream: trade", (event["e"], event["s"]), ("trade", SYMBOL))
    async with manager.kline_socket(SYMBOL, interval="1m") as stream:
        event = await asyncio.wait_for(stream.recv(), PATIENCE)
        checks.equal("stream: kline", event["k"]["i"], "1m")
    async with manager.depth_socket(SYMBOL) as stream:
        event = await asyncio.wait_for(stream.recv(), PATIENCE)
        checks.equal("stream: depth", event["e"], "depthUpdate")
    names = ["btcusdt@bookTicker", "ethusdt@trade"]
    async with manager.multiplex_socket(names) as stream:
        seen = set()
        while seen != set(names):
            event = await asyncio.wait_for(stream.recv(), PATIENCE)
            seen.add(event["stream"])
        checks.equal("stream: several", seen, set(names))
    await user_stream(checks, client, manager)


async def user_stream(checks, client, manager):
    async with manager.user_socket() as stream:
        placed = await client.ws_order_market_buy(symbol=SYMBOL, quantity="0.01")
        checks.equal("socket: market order", placed["status"], "FILLED")
        seen = []
        while ("TRADE", "FILLED") not in seen:
            event = await asyncio.wait_for(stream.recv(), PATIENCE)
            if event["e"] == "executionReport" and event["i"] == placed["orderId"]:
                seen.append((event["x"], event["X"]))
        checks.equal("socket: told of", seen[0], ("NEW", "NEW"))
        found = await client.ws_get_order(symbol=SYMBOL, orderId=placed["orderId"])
        checks.equal("socket: order", found["status"], "FILLED")
        again = await caught(client.ws_cancel_order(symbol=SYMBOL, orderId=placed["orderId"]))
        checks.equal("socket: cancel of a filled order", again, -2011)


async def main():
    only_loopback()
    checks = Checks(f"python-binance {version('python-binance')}")
    client = await AsyncClient.create("local-key", "local-secret")
    try:
        bid = await market_data(checks, client)
        await orders(checks, client, bid)
        await futures(checks, client)
        await streams(checks, client)
        wrong = await AsyncClient.create("local-key", "wrong")
        checks.equal("wrong secret", await caught(wrong.get_account()), -1022)
        await wrong.close_connection()
    finally:
        await client.close_connection()
    checks.done()


asyncio.run(main())
