"""Binance's client for spot, over REST and WebSocket: `with_binance_sdk.py REST WEBSOCKET`."""

import asyncio
import sys
from importlib.metadata import version

from binance_common.configuration import (
    ConfigurationRestAPI,
    ConfigurationWebSocketAPI,
    ConfigurationWebSocketStreams,
)
from binance_common.errors import BadRequestError
from binance_sdk_spot.spot import Spot

from checks import Checks, name, only_loopback

REST, SOCKET = sys.argv[1:]
SYMBOL = "BTCUSDT"
PATIENCE = 20


def client(secret="local-secret"):
    key = {"api_key": "local-key", "api_secret": secret}
    return Spot(
        config_rest_api=ConfigurationRestAPI(base_path=REST, timeout=20_000, **key),
        config_ws_api=ConfigurationWebSocketAPI(stream_url=SOCKET + "/ws-api/v3", **key),
        config_ws_streams=ConfigurationWebSocketStreams(stream_url=SOCKET + "/stream"),
    )


def caught(action):
    try:
        return action()
    except Exception as error:
        return error


def over_rest(checks, rest):
    info = rest.exchange_info(symbol=SYMBOL).data()
    checks.equal("REST: symbol", info.symbols[0].base_asset, "BTC")
    checks.that("REST: time", rest.time().data().server_time > 1_700_000_000_000)
    book = rest.depth(symbol=SYMBOL, limit=10).data()
    checks.equal("REST: book", (len(book.bids), len(book.asks)), (10, 10))
    checks.equal("REST: bars", len(rest.klines(symbol=SYMBOL, interval="1m", limit=50).data()), 50)
    price = round(float(book.bids[0][0]) * 0.9, 2)
    client_id = name("sdk")
    placed = rest.new_order(
        symbol=SYMBOL, side="BUY", type="LIMIT", time_in_force="GTC", quantity=0.02, price=price,
        new_client_order_id=client_id,
    ).data()
    checks.equal("REST: limit order", (placed.status, placed.client_order_id), ("NEW", client_id))
    found = rest.get_order(symbol=SYMBOL, order_id=placed.order_id).data()
    checks.equal("REST: order", float(found.price), price)
    amended = rest.order_amend_keep_priority(
        symbol=SYMBOL, new_qty=0.01, order_id=placed.order_id
    ).data()
    checks.equal("REST: amended", float(amended.amended_order.qty), 0.01)
    replaced = rest.order_cancel_replace(
        symbol=SYMBOL, side="BUY", type="LIMIT", cancel_replace_mode="STOP_ON_FAILURE",
        time_in_force="GTC", quantity=0.03, price=price, cancel_order_id=placed.order_id,
    ).data()
    checks.equal("REST: replaced", replaced.new_order_result, "SUCCESS")
    number = replaced.new_order_response.order_id
    opened = rest.get_open_orders(symbol=SYMBOL).data()
    checks.equal("REST: open orders", [order.order_id for order in opened], [number])
    gone = rest.delete_order(symbol=SYMBOL, order_id=number).data()
    checks.equal("REST: cancelled", gone.status, "CANCELED")
    again = caught(lambda: rest.delete_order(symbol=SYMBOL, order_id=number))
    checks.raises("REST: second cancel", BadRequestError, again)
    bought = rest.new_order(symbol=SYMBOL, side="BUY", type="MARKET", quantity=0.01).data()
    checks.equal("REST: market order", (bought.status, len(bought.fills) > 0), ("FILLED", True))
    own = rest.my_trades(symbol=SYMBOL).data()
    checks.that("REST: own trades", any(trade.order_id == bought.order_id for trade in own))
    account = rest.get_account().data()
    checks.that("REST: account", any(row.asset == "USDT" for row in account.balances))
    listed = rest.order_list_oco(
        symbol=SYMBOL, side="SELL", quantity=0.01, above_type="LIMIT_MAKER",
        above_price=round(price * 1.3, 2), below_type="STOP_LOSS", below_stop_price=price,
    ).data()
    checks.equal("REST: list", (listed.contingency_type, len(listed.orders)), ("OCO", 2))
    rest.delete_open_orders(symbol=SYMBOL)
    checks.equal("REST: cancelled all", rest.get_open_orders(symbol=SYMBOL).data(), [])
    wrong = caught(lambda: client("wrong").rest_api.get_account())
    checks.raises("REST: wrong secret", BadRequestError, wrong)
    return price


async def over_socket(checks, spot, price):
    connection = await spot.websocket_api.create_connection()
    try:
        subscribed = await connection.user_data_stream_subscribe_signature()
        seen = []
        subscribed.stream.on("message", lambda event: seen.append(event))
        placed = await connection.order_place(
            symbol=SYMBOL, side="BUY", type="LIMIT", time_in_force="GTC", quantity=0.02,
            price=price, new_order_resp_type="RESULT",
        )
        placed = placed.data().result
        checks.equal("socket: limit order", placed.status, "NEW")
        found = await connection.order_status(symbol=SYMBOL, order_id=placed.order_id)
        checks.equal("socket: order", found.data().result.status, "NEW")
        amended = await connection.order_amend_keep_priority(
            symbol=SYMBOL, new_qty=0.01, order_id=placed.order_id
        )
        checks.equal("socket: amended", float(amended.data().result.amended_order.qty), 0.01)
        gone = await connection.order_cancel(symbol=SYMBOL, order_id=placed.order_id)
        checks.equal("socket: cancelled", gone.data().result.status, "CANCELED")
        bought = await connection.order_place(
            symbol=SYMBOL, side="BUY", type="MARKET", quantity=0.01, new_order_resp_type="FULL"
        )
        checks.equal("socket: market order", bought.data().result.status, "FILLED")
        await until(lambda: "FILLED" in [getattr(event, "X", "") for event in events(seen)])
        steps = [(event.x, event.X) for event in events(seen) if hasattr(event, "x")]
        expected = [
            ("NEW", "NEW"), ("REPLACED", "NEW"), ("CANCELED", "CANCELED"), ("NEW", "NEW"),
            ("TRADE", "FILLED"),
        ]
        checks.equal("socket: told of every step", steps, expected)
        kinds = [type(event).__name__ for event in events(seen)]
        told = kinds.count("OutboundAccountPosition")
        checks.equal("socket: told of the money", told, len(expected))
    finally:
        await connection.close_connection(close_session=True)


def events(seen):
    return [message.actual_instance for message in seen]


async def until(holds):
    for _ in range(PATIENCE * 10):
        if holds():
            return
        await asyncio.sleep(0.1)


async def streams(checks, spot):
    connection = await spot.websocket_streams.create_connection()
    try:
        for kind, open_stream in [
            ("trade", lambda: connection.trade(symbol="btcusdt")),
            ("bookTicker", lambda: connection.book_ticker(symbol="btcusdt")),
            ("depthUpdate", lambda: connection.diff_book_depth(symbol="btcusdt")),
            ("kline", lambda: connection.kline(symbol="btcusdt", interval="1m")),
        ]:
            seen = []
            stream = await open_stream()
            stream.on("message", seen.append)
            await until(lambda: len(seen) > 0)
            checks.that(f"stream: {kind}", len(seen) > 0 and seen[0].s == SYMBOL, str(seen[:1]))
            await stream.unsubscribe()
    finally:
        await connection.close_connection(close_session=True)


async def main():
    only_loopback()
    checks = Checks(f"binance-sdk-spot {version('binance-sdk-spot')}")
    spot = client()
    price = over_rest(checks, spot.rest_api)
    await over_socket(checks, spot, price)
    await streams(checks, spot)
    checks.done()


asyncio.run(main())
