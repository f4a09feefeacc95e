//! A visit to a page outside of any tenant: its language, its frame, its refusals.

use std::sync::Arc;

use poem::Response;

use super::answer::{self, Handled, PageFailure};
use super::browser::chosen_language;
use super::messages::{self, Messages};
use super::views::{Frame, LanguageLink};
use crate::call::{App, Head};

/// What stands where pages of a tenant name it.
const PLATFORM: &str = "Chancery";
/// The language if neither the person nor the browser wishes one that we speak.
const DEFAULT_LOCALE: &str = "en";

/// What such a page looks at.
pub(super) struct Visit {
    pub(super) app: Arc<App>,
    pub(super) reference: Arc<str>,
    pub(super) m: &'static Messages,
    /// The path.
    pub(super) path: String,
    /// Keeps a chosen language on the next page; empty if none was chosen.
    pub(super) kept: String,
    /// The same page in another language, up to the tag; empty if there is none.
    here: &'static str,
}

impl Visit {
    pub(super) fn of(app: Arc<App>, head: &Head, reference: Arc<str>) -> Self {
        let wished = chosen_language(head);
        let m = messages::negotiate(wished.map(Messages::tag), None, head.header("accept-language"), DEFAULT_LOCALE);
        let kept = wished.map(|_| format!("?lang={}", m.tag())).unwrap_or_default();
        Self { app, reference, m, path: head.uri.path().to_owned(), kept, here: answer::here(head) }
    }

    /// The frame of a page whose title is the message `title`.
    pub(super) fn frame(&self, title: &'static str) -> Frame<'static> {
        self.titled(self.m.t(title))
    }

    /// The frame of a page with this title.
    pub(super) fn titled(&self, title: &'static str) -> Frame<'static> {
        let mut frame = Frame::new(self.m, title, PLATFORM);
        if !self.here.is_empty() {
            frame.languages = LanguageLink::all(self.m, self.here);
        }
        frame
    }

    pub(super) fn refusal(&self, failure: PageFailure) -> Response {
        let frame = self.titled(self.m.error(failure.kind).title);
        answer::error_page(frame, &self.reference, self.app.clock.now(), self.app.dev, failure)
    }

    pub(super) fn answer(&self, made: Handled) -> Response {
        made.unwrap_or_else(|failure| self.refusal(failure))
    }
}
