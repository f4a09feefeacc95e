//! Stylesheet, scripts and icon: embedded, and addressed by what they hold.
//!
//! The URL carries a hash of the bytes, so a browser may keep each file for
//! ever and a new build is fetched at once.

use std::fmt::Write as _;
use std::sync::LazyLock;

use aws_lc_rs::digest;

/// Where every embedded file lives.
pub const PREFIX: &str = "/assets/";

/// A href that answers 404: what a misspelt name becomes.
const UNKNOWN: &str = "/assets/unknown";

const CSS: &str = "text/css; charset=utf-8";
const JS: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

static ASSETS: LazyLock<[Asset; 8]> = LazyLock::new(|| {
    [
        Asset::new("chancery.css", CSS, include_bytes!("../../static/chancery.css")),
        Asset::new("developer.css", CSS, include_bytes!("../../static/developer.css")),
        Asset::new("password.js", JS, include_bytes!("../../static/password.js")),
        Asset::new("copy.js", JS, include_bytes!("../../static/copy.js")),
        Asset::new("busy.js", JS, include_bytes!("../../static/busy.js")),
        Asset::new("local-time.js", JS, include_bytes!("../../static/local-time.js")),
        Asset::new("form-post.js", JS, include_bytes!("../../static/form-post.js")),
        Asset::new("icon.svg", SVG, include_bytes!("../../static/icon.svg")),
    ]
});

struct Asset {
    name: &'static str,
    content_type: &'static str,
    bytes: &'static [u8],
    href: String,
}

impl Asset {
    fn new(name: &'static str, content_type: &'static str, bytes: &'static [u8]) -> Self {
        let (stem, extension) = name.rsplit_once('.').unwrap_or((name, ""));
        let href = format!("{PREFIX}{stem}-{}.{extension}", hash16(bytes));
        Self { name, content_type, bytes, href }
    }
}

/// The URL of an embedded file, by its name in `static/`.
pub fn href(name: &str) -> &'static str {
    ASSETS.iter().find(|asset| asset.name == name).map_or(UNKNOWN, |asset| asset.href.as_str())
}

/// Content type and bytes of the file at `path`, with or without [`PREFIX`].
///
/// Only the exact hash is found: an old page asking for an old stylesheet gets
/// 404, never a newer file under the older name.
pub fn lookup(path: &str) -> Option<(&'static str, &'static [u8])> {
    let file = path.strip_prefix(PREFIX).unwrap_or(path);
    let found = ASSETS.iter().find(|asset| asset.href.get(PREFIX.len()..) == Some(file))?;
    Some((found.content_type, found.bytes))
}

/// Sixteen hexadecimal digits of SHA-256: enough to tell versions of a file apart.
pub fn hash16(bytes: &[u8]) -> String {
    let digest = digest::digest(&digest::SHA256, bytes);
    digest.as_ref().iter().take(8).fold(String::with_capacity(16), |mut hex, byte| {
        // Writing to a String cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
