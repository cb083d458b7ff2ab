"""Compares orders for dYdX's chain with those of the venue's own Python client, byte for byte.

`python dydx_encodings.py FILE`: the file is the output of the test `dydx::orders`, in which each
case ends a line as `encoding name hex`. `python dydx_encodings.py` alone prints what the client makes of
the cases: the vectors that are checked in as tests/data/dydx/transactions.txt.
"""

import sys

from dydx_v4_client.key_pair import KeyPair
from dydx_v4_client.node.builder import Builder
from dydx_v4_client.node.message import batch_cancel, cancel_order, order_id, place_order, subaccount
from dydx_v4_client.wallet import Wallet
from v4_proto.cosmos.auth.v1beta1.auth_pb2 import BaseAccount
from v4_proto.cosmos.auth.v1beta1.query_pb2 import QueryAccountRequest, QueryAccountResponse
from v4_proto.cosmos.tx.v1beta1.tx_pb2 import TxRaw
from v4_proto.dydxprotocol.clob.order_pb2 import Order
from v4_proto.dydxprotocol.clob.tx_pb2 import OrderBatch
import google.protobuf.any_pb2

from checks import Checks

# The first test vector of BIP-39, and a key that nobody should use either.
WORDS = ("abandon " * 11 + "about").strip()
HEX = "e9ae670300ce5b14ec4ea2a42dc37eb96c84c07f9f15a6a4e08dcaa6f3cc2b5d"

# Name, key, chain, account number, sequence, message (see `message`).
BUY, SELL = Order.SIDE_BUY, Order.SIDE_SELL


def place(client, pair, flags, side, quantums, subticks, until, force=0, reduce=False, metadata=0,
          condition=0, trigger=0, number=0):
    def make(address):
        return place_order(Order(
            order_id=order_id(address, number, client, pair, flags), side=side, quantums=quantums,
            subticks=subticks, time_in_force=force, reduce_only=reduce, client_metadata=metadata,
            condition_type=condition, conditional_order_trigger_subticks=trigger, **until))
    return make


def cancel(client, pair, flags, until, number=0):
    return lambda address: cancel_order(order_id(address, number, client, pair, flags), **until)


def cancel_batch(pairs, last_block, number=0):
    batches = [OrderBatch(clob_pair_id=pair, client_ids=clients) for pair, clients in pairs]
    return lambda address: batch_cancel(subaccount(address, number), batches, last_block)


def block(height):
    return {"good_til_block": height}


def time(seconds):
    return {"good_til_block_time": seconds}


CASES = [
    ("short_ioc_market", WORDS, "dydx-testnet-4", 42, 0,
     place(7, 0, 0, BUY, 1_000_000, 11_881_000_000, block(1_020), force=1, metadata=1)),
    ("short_post_only", WORDS, "dydx-testnet-4", 42, 0,
     place(12_582_929, 1, 0, SELL, 2_500_000_000, 3_500_000_000, block(55_000_020), force=2)),
    ("short_reduce_only", HEX, "dydx-mainnet-1", 1_234_567, 0,
     place(4_294_967_295, 0, 0, SELL, 18_446_744_073_709_551_615, 1, block(4_294_967_295), force=1,
           reduce=True, number=128_000)),
    ("short_rest_client_zero", HEX, "dydx-mainnet-1", 0, 0,
     place(0, 0, 0, BUY, 1, 1, block(1))),
    ("long_term", WORDS, "dydx-testnet-4", 42, 5,
     place(9, 0, 64, BUY, 1_000_000, 11_881_000_000, time(1_800_000_000))),
    ("long_term_post_only", HEX, "dydx-mainnet-1", 99, 18_446_744_073_709_551_615,
     place(10, 300, 64, SELL, 30_000_000, 700_000, time(4_000_000_000), force=2, number=127)),
    ("stop_loss", WORDS, "dydx-testnet-4", 42, 6,
     place(11, 0, 32, SELL, 1_000_000, 11_762_000_000, time(1_800_000_000), force=1, metadata=1,
           condition=1, trigger=11_881_000_000)),
    ("take_profit", HEX, "dydx-mainnet-1", 42, 7,
     place(12, 0, 32, SELL, 1_000_000, 11_962_000_000, time(1_800_000_000), condition=2,
           trigger=11_981_000_000)),
    ("cancel_short", WORDS, "dydx-testnet-4", 42, 0, cancel(7, 0, 0, block(1_020))),
    ("cancel_long", WORDS, "dydx-testnet-4", 42, 8, cancel(9, 0, 64, time(1_800_000_000))),
    ("cancel_conditional", HEX, "dydx-mainnet-1", 42, 9,
     cancel(12, 0, 32, time(1_800_000_000), number=3)),
    ("cancel_batch", WORDS, "dydx-testnet-4", 42, 0,
     cancel_batch([(0, [7, 300, 70_000]), (5, [1])], 1_020, number=1)),
]


def key_of(secret):
    return KeyPair.from_mnemonic(secret) if " " in secret else KeyPair.from_hex(secret)


def transaction(secret, chain, account, sequence, message):
    wallet = Wallet(key_of(secret), account, sequence)
    made = Builder(chain, "adydx", memo="").build(wallet, message(wallet.address))
    raw = TxRaw(body_bytes=made.body.SerializeToString(),
                auth_info_bytes=made.auth_info.SerializeToString(), signatures=made.signatures)
    # What is broadcast is `Tx`, whose bytes are those of `TxRaw`.
    assert raw.SerializeToString() == made.SerializeToString()
    return made.SerializeToString().hex()


def account_answer():
    address = Wallet(key_of(WORDS), 0, 0).address
    packed = google.protobuf.any_pb2.Any()
    packed.Pack(BaseAccount(address=address, account_number=42, sequence=5), type_url_prefix="/")
    return QueryAccountResponse(account=packed).SerializeToString().hex()


def expected():
    wallets = [("words", Wallet(key_of(WORDS), 0, 0)), ("hex", Wallet(key_of(HEX), 0, 0))]
    lines = []
    for name, wallet in wallets:
        lines.append((f"address_{name}", wallet.address))
        lines.append((f"public_key_{name}", wallet.key.public_key_bytes.hex()))
    lines += [(name, transaction(*case)) for name, *case in CASES]
    query = QueryAccountRequest(address=wallets[0][1].address).SerializeToString().hex()
    return lines + [("account_query", query), ("account_answer", account_answer())]


def main():
    lines = expected()
    if len(sys.argv) < 2:
        print("\n".join(f"{name} {value}" for name, value in lines))
        return
    checks = Checks("dydx-v4-client")
    with open(sys.argv[1], encoding="utf-8") as file:
        # The test's own name stands before the first of them.
        cases = [line.partition("encoding ")[2].split() for line in file if "encoding " in line]
    found = dict(cases)
    ours = [(name, value) for name, value in lines if name != "account_answer"]
    checks.equal("number of cases", len(found), len(ours))
    for name, value in ours:
        checks.equal(name, found.get(name), value)
    checks.done()


main()
