//! Points in time as RFC 3339 text in UTC. Nanoseconds since the Unix epoch reach from 1677 to 2262.

const NANOS: i64 = 1_000_000_000;
const DAY: i64 = 86_400;

/// A point in time by the Gregorian calendar and the clock, in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Calendar {
    /// Year.
    pub year: i64,
    /// Month, 1 to 12.
    pub month: i64,
    /// Day of the month, from 1.
    pub day: i64,
    /// Hour, 0 to 23.
    pub hour: i64,
    /// Minute, 0 to 59.
    pub minute: i64,
    /// Second, 0 to 59.
    pub second: i64,
    /// Nanosecond of the second.
    pub nanosecond: i64,
    /// Day of the week: 1 is Monday, 7 is Sunday.
    pub weekday: i64,
}

impl Calendar {
    /// Of nanoseconds since the Unix epoch.
    pub fn of(nanoseconds: i64) -> Calendar {
        let seconds = nanoseconds.div_euclid(NANOS);
        let days = seconds.div_euclid(DAY);
        let second_of_day = seconds.rem_euclid(DAY);
        let (year, month, day) = civil(days);
        Calendar {
            year,
            month,
            day,
            hour: second_of_day.div_euclid(3600),
            minute: second_of_day.div_euclid(60).rem_euclid(60),
            second: second_of_day.rem_euclid(60),
            nanosecond: nanoseconds.rem_euclid(NANOS),
            // The epoch was a Thursday.
            weekday: days.saturating_add(3).rem_euclid(7).saturating_add(1),
        }
    }
}

/// A point in time as text: `2026-11-20T08:00:00Z`, with as many digits of the second as it takes.
pub fn format_time(nanoseconds: i64) -> String {
    let Calendar { year, month, day, hour, minute, second, nanosecond, .. } = Calendar::of(nanoseconds);
    let mut text = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}");
    if nanosecond != 0 {
        let digits = format!("{nanosecond:09}");
        text.push('.');
        text.push_str(digits.trim_end_matches('0'));
    }
    text.push('Z');
    text
}

/// Reads RFC 3339 text: a date, `T`, a time with up to nine digits of the second, and `Z` or an offset.
/// `None` where it is something else, names no real date, or lies outside 64 bits of nanoseconds.
pub fn parse_time(text: &str) -> Option<i64> {
    let mut reader = Reader { rest: text.as_bytes() };
    let year = reader.digits(4)?;
    reader.byte(b'-')?;
    let month = reader.digits(2)?;
    reader.byte(b'-')?;
    let day = reader.digits(2)?;
    reader.byte(b'T').or_else(|| reader.byte(b't'))?;
    let hour = reader.digits(2)?;
    reader.byte(b':')?;
    let minute = reader.digits(2)?;
    reader.byte(b':')?;
    let second = reader.digits(2)?;
    let fraction = reader.fraction()?;
    let offset = reader.offset()?;
    if !reader.rest.is_empty() || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let days = days(year, month, day)?;
    let seconds = days
        .checked_mul(DAY)?
        .checked_add(hour.checked_mul(3600)?)?
        .checked_add(minute.checked_mul(60)?)?
        .checked_add(second)?
        .checked_sub(offset)?;
    // In 128 bits, because the earliest second begins outside 64 bits of nanoseconds.
    let nanoseconds =
        i128::from(seconds).checked_mul(i128::from(NANOS))?.checked_add(i128::from(fraction))?;
    i64::try_from(nanoseconds).ok()
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl Reader<'_> {
    fn byte(&mut self, wanted: u8) -> Option<()> {
        let (first, rest) = self.rest.split_first()?;
        (*first == wanted).then(|| self.rest = rest)
    }

    fn digit(&mut self) -> Option<i64> {
        let (first, rest) = self.rest.split_first()?;
        let digit = char::from(*first).to_digit(10)?;
        self.rest = rest;
        Some(i64::from(digit))
    }

    fn digits(&mut self, count: usize) -> Option<i64> {
        (0..count).try_fold(0_i64, |value, _| value.checked_mul(10)?.checked_add(self.digit()?))
    }

    /// Nanoseconds of `.123`; 0 where there is no point.
    fn fraction(&mut self) -> Option<i64> {
        if self.byte(b'.').is_none() {
            return Some(0);
        }
        let mut value = self.digit()?;
        for _ in 1..9 {
            value = value.checked_mul(10)?.checked_add(self.digit().unwrap_or(0))?;
        }
        Some(value)
    }

    /// Seconds east of UTC.
    fn offset(&mut self) -> Option<i64> {
        if self.byte(b'Z').is_some() || self.byte(b'z').is_some() {
            return Some(0);
        }
        let sign = match self.byte(b'+') {
            Some(()) => 1,
            None => self.byte(b'-').map(|()| -1)?,
        };
        let hours = self.digits(2)?;
        self.byte(b':')?;
        let minutes = self.digits(2)?;
        let seconds = hours.checked_mul(3600)?.checked_add(minutes.checked_mul(60)?)?;
        (hours <= 23 && minutes <= 59).then(|| seconds.wrapping_mul(sign))
    }
}

/// Days before each month of a year that starts in March, so that the leap day is the last.
const MONTH_STARTS: [i64; 12] = [0, 31, 61, 92, 122, 153, 184, 214, 245, 275, 306, 337];

/// Days before the year `year` that starts in March, counted from a year 0 in the Gregorian calendar.
fn year_start(year: i64) -> Option<i64> {
    let leap_days =
        year.div_euclid(4).checked_sub(year.div_euclid(100))?.checked_add(year.div_euclid(400))?;
    year.checked_mul(365)?.checked_add(leap_days)
}

/// 1970-01-01 counted from 0000-03-01.
const EPOCH: i64 = 719_468;

/// Days since the epoch; `None` for a date that does not exist.
fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    let leap = year.rem_euclid(4) == 0 && (year.rem_euclid(100) != 0 || year.rem_euclid(400) == 0);
    let length = match month {
        2 => 28_i64.checked_add(i64::from(leap))?,
        4 | 6 | 9 | 11 => 30,
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        _ => return None,
    };
    if day < 1 || day > length {
        return None;
    }
    let (year, month) =
        if month > 2 { (year, month.checked_sub(3)?) } else { (year.checked_sub(1)?, month.checked_add(9)?) };
    let month_start = MONTH_STARTS.get(usize::try_from(month).ok()?)?;
    year_start(year)?.checked_add(*month_start)?.checked_add(day)?.checked_sub(1)?.checked_sub(EPOCH)
}

/// Year, month and day of a number of days since the epoch.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days.saturating_add(EPOCH);
    // An estimate from the mean year, at most one off.
    let mut year = days.saturating_mul(400).div_euclid(146_097);
    let start = |year| year_start(year).unwrap_or(0);
    while start(year) > days {
        year = year.saturating_sub(1);
    }
    while start(year.saturating_add(1)) <= days {
        year = year.saturating_add(1);
    }
    let day_of_year = days.saturating_sub(start(year));
    let month = MONTH_STARTS.partition_point(|&first| first <= day_of_year).saturating_sub(1);
    let day = day_of_year.saturating_sub(MONTH_STARTS.get(month).copied().unwrap_or(0)).saturating_add(1);
    let month = i64::try_from(month).unwrap_or(0);
    if month < 10 {
        (year, month.saturating_add(3), day)
    } else {
        (year.saturating_add(1), month.saturating_sub(9), day)
    }
}
