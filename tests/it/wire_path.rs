//! A frame of the venue becomes a signed order: the way that the bench `wire` measures is whole.

use crate::every_rule_support::every_rule;
use crate::wire_path_support::{KLINES, QUOTES, WirePath, ed25519, hmac};
use crate::workload_c_support::wide_limits;
use tradewright::risk::PortfolioRiskSettings;
use tradewright::types::InstrumentId;
use tradewright::venue::binance::HmacKey;
use tradewright::venue::binance::SecretString;

#[test]
fn every_frame_becomes_one_signed_order() {
    let key =
        SecretString::from("NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j");
    let key = HmacKey::new(&key).unwrap();
    let every = || every_rule(&[InstrumentId(0)], PortfolioRiskSettings::default());
    for pair in [QUOTES, KLINES] {
        for mut path in [WirePath::new(wide_limits(), hmac()), WirePath::new(every(), hmac())] {
            for number in 1..=200 {
                let query = path.frame(pair[number % 2].as_bytes());
                let (payload, signature) = query.rsplit_once("&signature=").unwrap();
                key.verify(payload.as_bytes(), signature).unwrap();
                let id = format!("newClientOrderId=tw-1-1-{number}");
                for part in ["symbol=BTCUSDT", "side=BUY", "quantity=0.025", &id] {
                    assert!(payload.split('&').any(|field| field == part), "{part}: {payload}");
                }
                assert_eq!(path.answer(), 1);
            }
        }
        let mut path = WirePath::new(every(), ed25519());
        assert!(path.frame(pair[0].as_bytes()).contains("&signature="));
    }
}

#[test]
fn a_frame_without_news_becomes_nothing() {
    let mut path = WirePath::new(wide_limits(), hmac());
    let foreign = QUOTES[0].replace("BTCUSDT", "ETHUSDT");
    assert_eq!(path.frame(foreign.as_bytes()), "");
    let forming = KLINES[0].replace(r#""x":true"#, r#""x":false"#);
    assert_eq!(path.frame(forming.as_bytes()), "");
    assert_eq!(path.answer(), 0);
}
