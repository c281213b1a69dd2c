//! Gzip by hand: texts as they are, and a long run of blanks in few bytes.

/// A gzip member that unfolds to `blanks` spaces and a text. Spaces around JSON mean nothing, so that a client
/// without a limit reads the text as if it stood alone.
pub(super) fn padded(blanks: usize, text: &[u8]) -> Vec<u8> {
    let mut out = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    let mut crc = Crc::new();
    if blanks > 0 {
        let mut bits = Bits::default();
        // Not the last block, fixed codes.
        bits.low_first(0b010, 3);
        bits.high_first(0x30 + u32::from(b' '), 8);
        let copies = (blanks - 1) / 258;
        for _ in 0..copies {
            // 258 bytes from one byte back.
            bits.high_first(0xC5, 8);
            bits.high_first(0, 5);
        }
        for _ in 0..(blanks - 1) % 258 {
            bits.high_first(0x30 + u32::from(b' '), 8);
        }
        bits.high_first(0, 7);
        // An empty stored block ends on a byte.
        bits.low_first(0, 3);
        out.extend(bits.aligned());
        out.extend([0, 0, 0xff, 0xff]);
        for _ in 0..blanks {
            crc.add(b' ');
        }
    }
    let pieces: Vec<&[u8]> = if text.is_empty() {
        vec![text]
    } else {
        text.chunks(60_000).collect()
    };
    for (index, piece) in pieces.iter().enumerate() {
        out.push(u8::from(index + 1 == pieces.len()));
        let length = u16::try_from(piece.len()).unwrap_or(u16::MAX);
        out.extend(length.to_le_bytes());
        out.extend((!length).to_le_bytes());
        out.extend_from_slice(piece);
        piece.iter().for_each(|byte| crc.add(*byte));
    }
    out.extend(crc.finish().to_le_bytes());
    let length = u32::try_from((blanks + text.len()) & 0xffff_ffff).unwrap_or_default();
    out.extend(length.to_le_bytes());
    out
}

#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    used: u32,
}

impl Bits {
    fn bit(&mut self, bit: bool) {
        if self.used == 0 {
            self.bytes.push(0);
        }
        if let (true, Some(last)) = (bit, self.bytes.last_mut()) {
            *last |= 1 << self.used;
        }
        self.used = (self.used + 1) % 8;
    }

    fn low_first(&mut self, value: u32, count: u32) {
        (0..count).for_each(|at| self.bit(value >> at & 1 == 1));
    }

    fn high_first(&mut self, value: u32, count: u32) {
        (0..count)
            .rev()
            .for_each(|at| self.bit(value >> at & 1 == 1));
    }

    fn aligned(self) -> Vec<u8> {
        self.bytes
    }
}

struct Crc {
    table: [u32; 256],
    value: u32,
}

impl Crc {
    fn new() -> Self {
        let mut table = [0; 256];
        for (at, slot) in (0_u32..).zip(table.iter_mut()) {
            *slot = (0..8).fold(at, |value, _| {
                if value & 1 == 1 {
                    value >> 1 ^ 0xEDB8_8320
                } else {
                    value >> 1
                }
            });
        }
        Self {
            table,
            value: u32::MAX,
        }
    }

    fn add(&mut self, byte: u8) {
        let [low, ..] = self.value.to_le_bytes();
        self.value = self.table[usize::from(low ^ byte)] ^ self.value >> 8;
    }

    fn finish(self) -> u32 {
        !self.value
    }
}
