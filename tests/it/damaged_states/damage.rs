//! Every way in which one place of a saved state can be wrong.

use rmpv::Value;
use tradewright::types::Decimal;

/// The value of some bytes in MessagePack; `None` unless they are one value and nothing else.
pub fn read(mut bytes: &[u8]) -> Option<Value> {
    let value = rmpv::decode::read_value(&mut bytes).ok()?;
    bytes.is_empty().then_some(value)
}

pub fn write(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    rmpv::encode::write_value(&mut bytes, value).unwrap();
    bytes
}

/// Calls `put` with every damaged form of a value: where, how (a sign of [`SIGNS`]), and the whole.
pub fn damages(value: &Value, place: &str, put: &mut dyn FnMut(&str, char, Value)) {
    let before = write(value);
    own(value, &mut |sign, damaged| {
        // Not by equality: a number that is none equals nothing.
        if write(&damaged) != before {
            put(place, sign, damaged);
        }
    });
    match value {
        Value::Array(items) => match nested(items) {
            Some(inner) => damages(&inner, &format!("{place}>"), &mut |place, sign, damaged| {
                put(place, sign, bytes_of(&damaged));
            }),
            None => in_items(items, place, put),
        },
        Value::Map(fields) => in_fields(fields, place, put),
        _ => {}
    }
}

/// What the signs of damages mean.
pub const SIGNS: &str = "\
    # +-  one more, one less            n   the sign turned          d   twice as much\n\
    # 0   zero                          M m the largest, the least   N I no number, without end\n\
    # x   other text                    !   the other truth          z a nothing, and a 1 for it\n\
    # e   empty                         f l without first, last      t r last twice, reversed\n\
    # ?   the field is missing          s   two fields swapped\n";

fn own(value: &Value, put: &mut dyn FnMut(char, Value)) {
    match value {
        Value::Nil => return put('a', Value::from(1)),
        Value::Boolean(truth) => put('!', Value::from(!truth)),
        Value::Integer(number) => {
            let number = number.as_i64().map(i128::from).or(number.as_u64().map(i128::from));
            let number = number.unwrap();
            let (most, least) = (i128::from(u64::MAX), i128::from(i64::MIN));
            let others = [number + 1, number - 1, -number, number * 2, 0, most, least];
            for (sign, other) in "+-nd0Mm".chars().zip(others) {
                let small = i64::try_from(other).map(Value::from);
                if let Ok(other) = small.or_else(|_| u64::try_from(other).map(Value::from)) {
                    put(sign, other);
                }
            }
        }
        Value::F64(number) => {
            let (most, endless) = (f64::MAX, f64::INFINITY);
            let others = [number + 1.0, number - 1.0, -number, number * 2.0, 0.0];
            let others = others.into_iter().chain([most, -most, f64::NAN, endless]);
            for (sign, other) in "+-nd0MmNI".chars().zip(others) {
                // The sign of zero says nothing.
                if other != *number || *number != 0.0 {
                    put(sign, other.into());
                }
            }
        }
        Value::String(text) => {
            let text = text.as_str().unwrap();
            put('x', format!("{text}x").into());
            if let Ok(number) = Decimal::from_str_exact(text) {
                let one = Decimal::ONE;
                let others = [number.checked_add(one), number.checked_sub(one), Some(-number)];
                let others = others.into_iter().chain([
                    number.checked_mul(Decimal::TWO),
                    Some(Decimal::ZERO),
                    Some(Decimal::MAX),
                    Some(Decimal::MIN),
                ]);
                for (sign, other) in "+-nd0Mm".chars().zip(others) {
                    if let Some(other) = other.filter(|other| *other != number) {
                        put(sign, other.to_string().into());
                    }
                }
            }
        }
        Value::Array(items) => {
            put('e', Value::Array(Vec::new()));
            if let ([first, rest @ ..], None) = (&items[..], nested(items)) {
                put('f', Value::Array(rest.to_vec()));
                put('l', Value::Array(items[..rest.len()].to_vec()));
                let last = rest.last().unwrap_or(first).clone();
                put('t', Value::Array(items.iter().cloned().chain([last]).collect()));
                put('r', Value::Array(items.iter().rev().cloned().collect()));
            }
        }
        _ => {}
    }
    put('z', Value::Nil);
}

fn in_items(items: &[Value], place: &str, put: &mut dyn FnMut(&str, char, Value)) {
    for (index, item) in items.iter().enumerate() {
        damages(item, &format!("{place}[{index}]"), &mut |place, sign, damaged| {
            let mut all = items.to_vec();
            all[index] = damaged;
            put(place, sign, Value::Array(all));
        });
    }
}

fn in_fields(fields: &[(Value, Value)], place: &str, put: &mut dyn FnMut(&str, char, Value)) {
    let name = |index: usize| fields[index].0.as_str().unwrap_or("?");
    for (index, (_, value)) in fields.iter().enumerate() {
        let below = format!("{place}.{}", name(index));
        let mut without = fields.to_vec();
        without.remove(index);
        put(&below, '?', Value::Map(without));
        damages(value, &below, &mut |place, sign, damaged| {
            let mut all = fields.to_vec();
            all[index].1 = damaged;
            put(place, sign, Value::Map(all));
        });
        for (other, (_, second)) in fields.iter().enumerate().skip(index + 1) {
            if kind(value) == kind(second) && write(value) != write(second) {
                let mut all = fields.to_vec();
                all[index].1 = second.clone();
                all[other].1 = value.clone();
                put(&format!("{below}~{}", name(other)), 's', Value::Map(all));
            }
        }
    }
}

fn kind(value: &Value) -> core::mem::Discriminant<Value> {
    core::mem::discriminant(value)
}

/// The state that an array of bytes holds, if it is one.
fn nested(items: &[Value]) -> Option<Value> {
    let bytes: Option<Vec<u8>> =
        items.iter().map(|item| u8::try_from(item.as_u64()?).ok()).collect();
    bytes.filter(|bytes| bytes.len() > 8).and_then(|bytes| read(&bytes))
}

fn bytes_of(value: &Value) -> Value {
    Value::Array(write(value).into_iter().map(Value::from).collect())
}

/// The value with the array at a place (names of fields and indices) grown to so many items by its
/// last one.
pub fn grown(value: &Value, place: &[&str], items: usize) -> Value {
    let mut whole = value.clone();
    let mut inner = &mut whole;
    for step in place {
        inner = match inner {
            Value::Map(fields) => {
                &mut fields.iter_mut().find(|(name, _)| name.as_str() == Some(step)).unwrap().1
            }
            Value::Array(all) => &mut all[step.parse::<usize>().unwrap()],
            other => panic!("{step} of {other}"),
        };
    }
    let Value::Array(all) = inner else { panic!("{place:?} is no array") };
    let last = all.last().unwrap().clone();
    all.resize(items, last);
    whole
}
