/// CloudWatch's units. The order is on disk: only ever add at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Unit {
    None,
    Seconds,
    Microseconds,
    Milliseconds,
    Bytes,
    Kilobytes,
    Megabytes,
    Gigabytes,
    Terabytes,
    Bits,
    Kilobits,
    Megabits,
    Gigabits,
    Terabits,
    Percent,
    Count,
    BytesPerSecond,
    KilobytesPerSecond,
    MegabytesPerSecond,
    GigabytesPerSecond,
    TerabytesPerSecond,
    BitsPerSecond,
    KilobitsPerSecond,
    MegabitsPerSecond,
    GigabitsPerSecond,
    TerabitsPerSecond,
    CountPerSecond,
}

impl Unit {
    /// With their names, in the order of their numbers.
    pub const ALL: [(Unit, &'static str); 27] = [
        (Unit::None, "None"),
        (Unit::Seconds, "Seconds"),
        (Unit::Microseconds, "Microseconds"),
        (Unit::Milliseconds, "Milliseconds"),
        (Unit::Bytes, "Bytes"),
        (Unit::Kilobytes, "Kilobytes"),
        (Unit::Megabytes, "Megabytes"),
        (Unit::Gigabytes, "Gigabytes"),
        (Unit::Terabytes, "Terabytes"),
        (Unit::Bits, "Bits"),
        (Unit::Kilobits, "Kilobits"),
        (Unit::Megabits, "Megabits"),
        (Unit::Gigabits, "Gigabits"),
        (Unit::Terabits, "Terabits"),
        (Unit::Percent, "Percent"),
        (Unit::Count, "Count"),
        (Unit::BytesPerSecond, "Bytes/Second"),
        (Unit::KilobytesPerSecond, "Kilobytes/Second"),
        (Unit::MegabytesPerSecond, "Megabytes/Second"),
        (Unit::GigabytesPerSecond, "Gigabytes/Second"),
        (Unit::TerabytesPerSecond, "Terabytes/Second"),
        (Unit::BitsPerSecond, "Bits/Second"),
        (Unit::KilobitsPerSecond, "Kilobits/Second"),
        (Unit::MegabitsPerSecond, "Megabits/Second"),
        (Unit::GigabitsPerSecond, "Gigabits/Second"),
        (Unit::TerabitsPerSecond, "Terabits/Second"),
        (Unit::CountPerSecond, "Count/Second"),
    ];

    pub fn name(self) -> &'static str {
        Unit::ALL[usize::from(self.number())].1
    }

    pub fn parse(name: &str) -> Option<Unit> {
        Unit::ALL.iter().find(|(_, known)| *known == name).map(|(unit, _)| *unit)
    }

    pub fn number(self) -> u8 {
        self as u8
    }

    pub fn from_number(number: u8) -> Option<Unit> {
        Unit::ALL.get(usize::from(number)).map(|(unit, _)| *unit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_come_back() {
        for (i, (unit, name)) in Unit::ALL.into_iter().enumerate() {
            assert_eq!((usize::from(unit.number()), unit.name()), (i, name));
            assert_eq!((Unit::parse(name), Unit::from_number(i as u8)), (Some(unit), Some(unit)));
        }
        assert_eq!((Unit::parse("count"), Unit::from_number(27)), (None, None));
    }
}
