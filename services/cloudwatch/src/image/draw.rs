use font8x8::UnicodeFonts;
use haneul_kit::Instant;
use tiny_skia::{Color, FillRule, Paint, PathBuilder, Pixmap, PixmapMut, Rect, Stroke, Transform};

use super::Widget;

/// A series to be drawn.
pub(crate) struct Curve {
    pub(crate) label: String,
    pub(crate) colour: Option<String>,
    pub(crate) points: Vec<(i64, f64)>,
    /// Seconds; points further apart are not joined.
    pub(crate) period: i64,
}

/// A finished picture.
pub(crate) struct Picture(Pixmap);

/// The console's colours, in turn.
const COLOURS: [&str; 10] = [
    "#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd", "#8c564b", "#e377c2", "#7f7f7f", "#bcbd22",
    "#17becf",
];

/// Curves that get a line in the legend.
const LEGEND_MAX: usize = 12;

const LETTER: f32 = 8.0;

/// Where the graph lies in the picture.
struct Frame {
    left: f32,
    top: f32,
    width: f32,
    height: f32,
    start: f64,
    end: f64,
    least: f64,
    most: f64,
}

impl Frame {
    fn x(&self, at: f64) -> f32 {
        self.left + ((at - self.start) / (self.end - self.start)) as f32 * self.width
    }

    fn y(&self, value: f64) -> f32 {
        self.top
            + (1.0 - ((value - self.least) / (self.most - self.least)).clamp(-1.0, 2.0) as f32) * self.height
    }
}

impl Picture {
    /// `None` for a picture without any pixels, which no widget has.
    pub(crate) fn draw(widget: &Widget, curves: &[Curve]) -> Option<Picture> {
        let mut pixmap = Pixmap::new(widget.width, widget.height)?;
        pixmap.fill(Color::WHITE);
        let curves = if widget.stacked { stacked(curves) } else { curves.iter().map(Curve::copy).collect() };
        let rows = curves.len().min(LEGEND_MAX);
        let columns = (widget.width as usize / 200).max(1);
        let legend = (rows.div_ceil(columns)) as f32 * 14.0 + 6.0;
        let title = if widget.title.is_empty() { 10.0 } else { 26.0 };
        let (least, most) = range(widget, &curves);
        let frame = Frame {
            left: 64.0,
            top: title,
            width: (widget.width as f32 - 64.0 - 16.0).max(1.0),
            height: (widget.height as f32 - title - 24.0 - legend).max(1.0),
            start: widget.start_ms as f64 / 1000.0,
            end: widget.end_ms as f64 / 1000.0,
            least,
            most,
        };
        let mut canvas = pixmap.as_mut();
        text(&mut canvas, &widget.title, (8.0, 8.0), "#16191f");
        axes(&mut canvas, &frame);
        for (label, value) in &widget.horizontal {
            let y = frame.y(*value);
            line(&mut canvas, &[(frame.left, y), (frame.left + frame.width, y)], "#d13212", 1.0);
            text(&mut canvas, label, (frame.left + 4.0, y - 10.0), "#d13212");
        }
        for (i, curve) in curves.iter().enumerate() {
            let colour = curve.colour.as_deref().unwrap_or(COLOURS[i % COLOURS.len()]);
            for part in curve.points.chunk_by(|a, b| b.0 - a.0 <= curve.period) {
                let places: Vec<(f32, f32)> =
                    part.iter().map(|(at, value)| (frame.x(*at as f64), frame.y(*value))).collect();
                match places[..] {
                    [place] => dot(&mut canvas, place, colour),
                    _ => line(&mut canvas, &places, colour, 1.6),
                }
            }
            if i < LEGEND_MAX {
                let (row, column) = (i / columns, i % columns);
                let place =
                    (12.0 + column as f32 * 200.0, widget.height as f32 - legend + 4.0 + row as f32 * 14.0);
                dot(&mut canvas, (place.0, place.1 + 4.0), colour);
                let label: String = curve.label.chars().take(22).collect();
                text(&mut canvas, &label, (place.0 + 8.0, place.1), "#16191f");
            }
        }
        Some(Picture(pixmap))
    }

    /// As a PNG.
    pub(crate) fn png(&self) -> Result<Vec<u8>, png::EncodingError> {
        let mut out = Vec::new();
        let mut encoder = png::Encoder::new(&mut out, self.0.width(), self.0.height());
        encoder.set_color(png::ColorType::Rgba);
        encoder.set_depth(png::BitDepth::Eight);
        // Everything is opaque: premultiplied and plain are the same.
        encoder.write_header()?.write_image_data(self.0.data())?;
        Ok(out)
    }
}

impl Curve {
    fn copy(&self) -> Curve {
        Curve {
            label: self.label.clone(),
            colour: self.colour.clone(),
            points: self.points.clone(),
            period: self.period,
        }
    }
}

/// Each on top of those before it.
fn stacked(curves: &[Curve]) -> Vec<Curve> {
    let mut below: std::collections::BTreeMap<i64, f64> = std::collections::BTreeMap::new();
    let on_top = |curve: &Curve| {
        let mut lifted = curve.copy();
        for (at, value) in &mut lifted.points {
            let sum = below.entry(*at).or_default();
            *sum += *value;
            *value = *sum;
        }
        lifted
    };
    curves.iter().map(on_top).collect()
}

fn range(widget: &Widget, curves: &[Curve]) -> (f64, f64) {
    let values = || {
        let drawn = curves.iter().flat_map(|curve| curve.points.iter().map(|(_, value)| *value));
        drawn.chain(widget.horizontal.iter().map(|(_, value)| *value))
    };
    let (low, high) = (values().fold(f64::INFINITY, f64::min), values().fold(f64::NEG_INFINITY, f64::max));
    let (low, high) = if low.is_finite() { (low, high) } else { (0.0, 1.0) };
    let margin = ((high - low) * 0.08).max(high.abs() * 1e-6).max(1e-9);
    let least =
        widget.least.unwrap_or(if low >= 0.0 && low < (high - low) * 2.0 { 0.0 } else { low - margin });
    let most = widget.most.unwrap_or(high + margin);
    if most > least { (least, most) } else { (least, least + 1.0) }
}

fn axes(canvas: &mut PixmapMut<'_>, frame: &Frame) {
    const STEPS: usize = 5;
    for i in 0..=STEPS {
        let value = frame.least + (frame.most - frame.least) * i as f64 / STEPS as f64;
        let y = frame.y(value);
        line(canvas, &[(frame.left, y), (frame.left + frame.width, y)], "#e9ebed", 1.0);
        let label = short(value);
        text(canvas, &label, (frame.left - 6.0 - label.len() as f32 * LETTER, y - 4.0), "#545b64");
    }
    let steps = ((frame.width / 90.0) as usize).clamp(1, 12);
    let days = frame.end - frame.start > 2.0 * 86_400.0;
    for i in 0..=steps {
        let at = frame.start + (frame.end - frame.start) * i as f64 / steps as f64;
        let iso = Instant::from_secs(at as i64).iso8601();
        let label = if days { &iso[5..10] } else { &iso[11..16] };
        let x = (frame.x(at) - label.len() as f32 * LETTER / 2.0).min(frame.left + frame.width - 34.0);
        text(canvas, label, (x, frame.top + frame.height + 8.0), "#545b64");
    }
}

/// `1.5K`, `2M`.
fn short(value: f64) -> String {
    let (scaled, unit) = match value.abs() {
        size if size >= 1e9 => (value / 1e9, "G"),
        size if size >= 1e6 => (value / 1e6, "M"),
        size if size >= 1e3 => (value / 1e3, "K"),
        _ => (value, ""),
    };
    let digits = if scaled.abs() >= 100.0 { 0 } else { 2 };
    let shown: String = format!("{scaled:.digits$}").chars().take(6).collect();
    format!("{shown}{unit}")
}

fn paint(colour: &str) -> Paint<'static> {
    let part =
        |at: usize| colour.get(at..at + 2).and_then(|hex| u8::from_str_radix(hex, 16).ok()).unwrap_or(0);
    let mut paint = Paint { anti_alias: true, ..Paint::default() };
    paint.set_color_rgba8(part(1), part(3), part(5), 255);
    paint
}

fn line(canvas: &mut PixmapMut<'_>, places: &[(f32, f32)], colour: &str, width: f32) {
    let mut path = PathBuilder::new();
    for (i, (x, y)) in places.iter().enumerate() {
        if i == 0 { path.move_to(*x, *y) } else { path.line_to(*x, *y) }
    }
    if let Some(path) = path.finish() {
        let stroke = Stroke { width, ..Stroke::default() };
        canvas.stroke_path(&path, &paint(colour), &stroke, Transform::identity(), None);
    }
}

fn dot(canvas: &mut PixmapMut<'_>, place: (f32, f32), colour: &str) {
    if let Some(path) = PathBuilder::from_circle(place.0, place.1, 3.0) {
        canvas.fill_path(&path, &paint(colour), FillRule::Winding, Transform::identity(), None);
    }
}

fn text(canvas: &mut PixmapMut<'_>, text: &str, place: (f32, f32), colour: &str) {
    let mut paint = paint(colour);
    paint.anti_alias = false;
    let room = ((canvas.width() as f32 - place.0) / LETTER).max(0.0) as usize;
    for (i, letter) in text.chars().take(room).enumerate() {
        let Some(rows) = font8x8::BASIC_FONTS.get(letter).or_else(|| font8x8::BASIC_FONTS.get('?')) else {
            continue;
        };
        for (y, row) in rows.iter().enumerate() {
            for x in (0..8).filter(|x| row >> x & 1 == 1) {
                let left = place.0.floor() + i as f32 * LETTER + x as f32;
                if let Some(pixel) = Rect::from_xywh(left, place.1.floor() + y as f32, 1.0, 1.0) {
                    canvas.fill_rect(pixel, &paint, Transform::identity(), None);
                }
            }
        }
    }
}
