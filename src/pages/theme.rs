//! A tenant's colours, corners and font: checked, then written as a style sheet.
//!
//! Only values of closed forms get in (`#rrggbb`, a small number, a name from a
//! list), so nothing a tenant types reaches the sheet as CSS. Colours that people
//! could not read are refused with the pair and its ratio (WCAG 2.2 §1.4.3, §1.4.11).

use std::fmt;

use super::assets::hash16;

/// Text and its ground: WCAG 2.2 §1.4.3.
const TEXT_FLOOR: f64 = 4.5;
/// Edges of controls and the focus ring: WCAG 2.2 §1.4.11.
const CONTROL_FLOOR: f64 = 3.0;
/// Corners beyond this look like pills.
const RADIUS_LIMIT: u8 = 24;

/// Which schemes a tenant's pages offer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ColorScheme {
    /// As the person's system asks.
    #[default]
    Auto,
    /// Light only.
    Light,
    /// Dark only.
    Dark,
}

impl ColorScheme {
    fn parse(text: &str) -> Option<Self> {
        match text {
            "auto" => Some(Self::Auto),
            "light" => Some(Self::Light),
            "dark" => Some(Self::Dark),
            _ => None,
        }
    }

    fn css(self) -> &'static str {
        match self {
            Self::Auto => "light dark",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }
}

/// A font stack, all of fonts that systems already have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Font {
    /// What the system itself uses.
    #[default]
    System,
    /// Plain and neutral.
    Classic,
    /// Soft round ends.
    Rounded,
    /// Letters with feet.
    Serif,
}

impl Font {
    fn parse(text: &str) -> Option<Self> {
        match text {
            "system" => Some(Self::System),
            "classic" => Some(Self::Classic),
            "rounded" => Some(Self::Rounded),
            "serif" => Some(Self::Serif),
            _ => None,
        }
    }

    fn css(self) -> &'static str {
        match self {
            Self::System => "system-ui,\"Segoe UI\",Roboto,\"Noto Sans\",\"Noto Sans Arabic\",sans-serif",
            Self::Classic => "Helvetica,Arial,\"Liberation Sans\",\"Noto Sans Arabic\",sans-serif",
            Self::Rounded => "ui-rounded,\"Arial Rounded MT Bold\",Nunito,system-ui,sans-serif",
            Self::Serif => "ui-serif,Charter,Georgia,\"Noto Serif\",\"Noto Naskh Arabic\",serif",
        }
    }
}

/// An opaque sRGB colour, written `#rrggbb`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Colour([u8; 3]);

impl Colour {
    /// Exactly `#` and six hexadecimal digits; no names, no alpha, no functions.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('#')?;
        if digits.len() != 6 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let [_, red, green, blue] = u32::from_str_radix(digits, 16).ok()?.to_be_bytes();
        Some(Self([red, green, blue]))
    }

    /// Contrast of two colours, 1 to 21 (WCAG 2.2, "contrast ratio").
    pub fn contrast(self, other: Self) -> f64 {
        let (a, b) = (self.luminance(), other.luminance());
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    /// White where it can be read on this colour, else black; one of them always can.
    pub fn on(self) -> Self {
        if self.contrast(WHITE) >= TEXT_FLOOR { WHITE } else { BLACK }
    }

    /// The same under the pointer: away from what is written on it, so contrast only grows.
    fn hover(self) -> Self {
        let goal = if self.on() == WHITE { 0.0 } else { 255.0 };
        Self(self.0.map(|part| (f64::from(part) * 0.84 + goal * 0.16).round() as u8))
    }

    fn luminance(self) -> f64 {
        let [red, green, blue] = self.0.map(|part| {
            let part = f64::from(part) / 255.0;
            if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        });
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    }
}

impl fmt::Display for Colour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [red, green, blue] = self.0;
        write!(f, "#{red:02x}{green:02x}{blue:02x}")
    }
}

const WHITE: Colour = Colour([0xff; 3]);
const BLACK: Colour = Colour([0x00; 3]);

/// Colours of `static/chancery.css` that a tenant cannot change, per scheme.
struct Fixed {
    scheme: &'static str,
    page: Colour,
    marks: [(&'static str, Colour, f64); 8],
}

const LIGHT: Fixed = Fixed {
    scheme: "light",
    page: Colour([0xf9, 0xfa, 0xfc]),
    marks: [
        ("text", Colour([0x1a, 0x20, 0x29]), TEXT_FLOOR),
        ("text-2", Colour([0x52, 0x58, 0x64]), TEXT_FLOOR),
        ("danger", Colour([0xb3, 0x23, 0x22]), TEXT_FLOOR),
        ("ok", Colour([0x1b, 0x6c, 0x3a]), TEXT_FLOOR),
        ("warn", Colour([0x8a, 0x56, 0x00]), TEXT_FLOOR),
        ("info", Colour([0x00, 0x67, 0x9d]), TEXT_FLOOR),
        ("border-strong", Colour([0x80, 0x87, 0x8f]), CONTROL_FLOOR),
        ("focus", Colour([0x28, 0x67, 0xe4]), CONTROL_FLOOR),
    ],
};

const DARK: Fixed = Fixed {
    scheme: "dark",
    page: Colour([0x0e, 0x12, 0x17]),
    marks: [
        ("text", Colour([0xec, 0xef, 0xf2]), TEXT_FLOOR),
        ("text-2", Colour([0xad, 0xb1, 0xb9]), TEXT_FLOOR),
        ("danger", Colour([0xf5, 0x8b, 0x84]), TEXT_FLOOR),
        ("ok", Colour([0x6f, 0xd3, 0x95]), TEXT_FLOOR),
        ("warn", Colour([0xf0, 0xba, 0x59]), TEXT_FLOOR),
        ("info", Colour([0x74, 0xc2, 0xee]), TEXT_FLOOR),
        ("border-strong", Colour([0x75, 0x7b, 0x83]), CONTROL_FLOOR),
        ("focus", Colour([0x89, 0xb7, 0xff]), CONTROL_FLOOR),
    ],
};

/// Why a theme was refused.
#[derive(Clone, Debug, PartialEq)]
pub enum ThemeError {
    /// A colour that is not `#rrggbb`; the member that holds it.
    Colour(&'static str),
    /// A radius above the limit, in pixels.
    Radius(u8),
    /// A font that is not in the list.
    Font,
    /// A colour scheme other than `auto`, `light` or `dark`.
    ColorScheme,
    /// Two colours too close to read.
    Contrast {
        /// `light` or `dark`.
        scheme: &'static str,
        /// What is written, and on what.
        pair: (&'static str, &'static str),
        /// Their contrast.
        ratio: f64,
        /// The least it may be.
        floor: f64,
    },
}

impl fmt::Display for ThemeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Colour(member) => write!(f, "{member} must be a colour written as #rrggbb"),
            Self::Radius(px) => write!(f, "radius_px is {px}; it may be 0 to {RADIUS_LIMIT}"),
            Self::Font => write!(f, "font must be one of system, classic, rounded, serif"),
            Self::ColorScheme => write!(f, "color_scheme must be one of auto, light, dark"),
            Self::Contrast { scheme, pair: (ink, ground), ratio, floor } => {
                write!(f, "{scheme}: {ink} on {ground} has a contrast of {ratio:.2}; it needs {floor:.1}")
            }
        }
    }
}

impl std::error::Error for ThemeError {}

/// What a tenant may set, as stored; what is absent keeps our own value.
#[derive(Clone, Copy, Debug, Default)]
pub struct ThemeSettings<'a> {
    /// Buttons and links in light pages, `#rrggbb`.
    pub accent_light: Option<&'a str>,
    /// Buttons and links in dark pages, `#rrggbb`.
    pub accent_dark: Option<&'a str>,
    /// Cards and inputs in light pages, `#rrggbb`.
    pub surface_light: Option<&'a str>,
    /// Cards and inputs in dark pages, `#rrggbb`.
    pub surface_dark: Option<&'a str>,
    /// Corners of cards in pixels, 0 to 24.
    pub radius_px: Option<u8>,
    /// `system`, `classic`, `rounded` or `serif`.
    pub font: Option<&'a str>,
    /// `auto`, `light` or `dark`.
    pub color_scheme: Option<&'a str>,
}

/// A theme that can be read: every pair of colours was measured.
#[derive(Clone, Debug, PartialEq)]
pub struct Theme {
    accent_light: Colour,
    accent_dark: Colour,
    surface_light: Colour,
    surface_dark: Colour,
    radius_px: u8,
    font: Font,
    color_scheme: ColorScheme,
}

impl Default for Theme {
    /// The values of `static/chancery.css`.
    fn default() -> Self {
        Self {
            accent_light: Colour([0x28, 0x5c, 0xc2]),
            accent_dark: Colour([0x81, 0xaa, 0xf7]),
            surface_light: WHITE,
            surface_dark: Colour([0x17, 0x1b, 0x21]),
            radius_px: 10,
            font: Font::System,
            color_scheme: ColorScheme::Auto,
        }
    }
}

impl Theme {
    /// Checks forms first, then the contrast of every pair that can meet on a page.
    pub fn parse(settings: &ThemeSettings<'_>) -> Result<Self, ThemeError> {
        let ours = Self::default();
        let theme = Self {
            accent_light: colour("accent_light", settings.accent_light, ours.accent_light)?,
            accent_dark: colour("accent_dark", settings.accent_dark, ours.accent_dark)?,
            surface_light: colour("surface_light", settings.surface_light, ours.surface_light)?,
            surface_dark: colour("surface_dark", settings.surface_dark, ours.surface_dark)?,
            radius_px: settings.radius_px.unwrap_or(ours.radius_px),
            font: match settings.font {
                Some(name) => Font::parse(name).ok_or(ThemeError::Font)?,
                None => ours.font,
            },
            color_scheme: match settings.color_scheme {
                Some(name) => ColorScheme::parse(name).ok_or(ThemeError::ColorScheme)?,
                None => ours.color_scheme,
            },
        };
        if theme.radius_px > RADIUS_LIMIT {
            return Err(ThemeError::Radius(theme.radius_px));
        }
        readable(&LIGHT, theme.accent_light, theme.surface_light)?;
        readable(&DARK, theme.accent_dark, theme.surface_dark)?;
        Ok(theme)
    }

    /// The sheet: only custom properties, in the layer that comes last.
    pub fn css(&self) -> String {
        let (light, dark) = (self.accent_light, self.accent_dark);
        let pairs = [
            ("surface", self.surface_light, self.surface_dark),
            ("accent", light, dark),
            ("accent-hover", light.hover(), dark.hover()),
            ("on-accent", light.on(), dark.on()),
        ];
        let [mut plain, mut paired] = [String::new(), String::new()];
        for (name, light, dark) in pairs {
            // Engines without light-dark() get the one scheme they are shown.
            let only = if self.color_scheme == ColorScheme::Dark { dark } else { light };
            plain.push_str(&format!("--{name}:{only};"));
            paired.push_str(&format!("--{name}:light-dark({light},{dark});"));
        }
        format!(
            "@layer theme{{:root{{color-scheme:{};--radius:{}px;--font:{};{plain}}}\
             @supports (color:light-dark(#000,#fff)){{:root{{{paired}}}}}}}\n",
            self.color_scheme.css(),
            self.radius_px,
            self.font.css(),
        )
    }

    /// `theme-{hash}.css`: changes with every value, so browsers may keep it for ever.
    pub fn file_name(&self) -> String {
        format!("theme-{}.css", hash16(self.css().as_bytes()))
    }
}

fn colour(member: &'static str, given: Option<&str>, ours: Colour) -> Result<Colour, ThemeError> {
    given.map_or(Ok(ours), |text| Colour::parse(text).ok_or(ThemeError::Colour(member)))
}

fn readable(fixed: &Fixed, accent: Colour, surface: Colour) -> Result<(), ThemeError> {
    let links = [
        (("accent", "surface"), accent, surface, TEXT_FLOOR),
        (("accent", "page"), accent, fixed.page, TEXT_FLOOR),
        (("on-accent", "accent"), accent.on(), accent, TEXT_FLOOR),
    ];
    let marks = fixed.marks.map(|(ink, colour, floor)| ((ink, "surface"), colour, surface, floor));
    for (pair, ink, ground, floor) in links.into_iter().chain(marks) {
        let ratio = ink.contrast(ground);
        if ratio < floor {
            return Err(ThemeError::Contrast { scheme: fixed.scheme, pair, ratio, floor });
        }
    }
    Ok(())
}
