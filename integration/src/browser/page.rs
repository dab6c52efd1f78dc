//! A page: what it shows, and the keys that are pressed on it.

use std::time::Duration;

use anyhow::{Context, ensure};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::Browser;

const PAUSE: Duration = Duration::from_millis(50);
/// How often to look before giving up: for a minute at the least.
const LOOKS: usize = 1_200;
/// More than a page has places for the focus.
const MOST_TABS: usize = 400;

/// The name by which whoever cannot see an element knows it.
const NAME_OF_FOCUS: &str = "(() => { const it = document.activeElement; return (it?.ariaLabel ?? it?.labels?.[0]?.innerText \
                             ?? it?.innerText ?? '').trim(); })()";

/// A page of a browser, in which somebody presses keys.
#[derive(Debug)]
pub struct Page {
    browser: Browser,
    session: String,
}

impl Page {
    pub(super) async fn of(browser: Browser, session: String) -> anyhow::Result<Self> {
        let mut page = Self { browser, session };
        for domain in ["Page", "Runtime", "Log", "Network"] {
            page.call(&format!("{domain}.enable"), json!({})).await?;
        }
        Ok(page)
    }

    async fn call(&mut self, method: &str, parameters: Value) -> anyhow::Result<Value> {
        self.browser.call(Some(&self.session), method, parameters).await
    }

    /// # Errors
    /// An address that cannot be reached.
    pub async fn open(&mut self, url: &str) -> anyhow::Result<()> {
        let opened = self.call("Page.navigate", json!({"url": url})).await?;
        ensure!(opened["errorText"].is_null(), "{url}: {}", opened["errorText"]);
        Ok(())
    }

    /// How wide and high the page is, and whether it is dark around.
    ///
    /// # Errors
    /// A browser that does not answer.
    pub async fn look(&mut self, width: u32, height: u32, dark: bool) -> anyhow::Result<()> {
        let size = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.call("Emulation.setDeviceMetricsOverride", size).await?;
        let scheme = if dark { "dark" } else { "light" };
        let features = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        self.call("Emulation.setEmulatedMedia", features).await?;
        Ok(())
    }

    /// What an expression is, evaluated in the page.
    ///
    /// # Errors
    /// What it throws.
    pub async fn evaluate(&mut self, expression: &str) -> anyhow::Result<Value> {
        let parameters = json!({"expression": expression, "returnByValue": true, "awaitPromise": true});
        let mut evaluated = self.call("Runtime.evaluate", parameters).await?;
        ensure!(evaluated["exceptionDetails"].is_null(), "{expression}: {}", evaluated["exceptionDetails"]);
        Ok(evaluated["result"]["value"].take())
    }

    /// Everything that can be read.
    ///
    /// # Errors
    /// A browser that does not answer.
    pub async fn text(&mut self) -> anyhow::Result<String> {
        let text = self.evaluate("document.body.innerText").await?;
        Ok(text.as_str().context("a page has text")?.to_owned())
    }

    /// Waits until the page is so.
    ///
    /// # Errors
    /// What the page says instead.
    pub async fn until(&mut self, what: &str, holds: impl Fn(&str) -> bool) -> anyhow::Result<()> {
        let mut text = String::new();
        for _ in 0..LOOKS {
            text = self.text().await?;
            if holds(&text) {
                return Ok(());
            }
            tokio::time::sleep(PAUSE).await;
        }
        anyhow::bail!("waited in vain until {what}: {text}")
    }

    /// # Errors
    /// What the page says instead.
    pub async fn until_it_says(&mut self, words: &str) -> anyhow::Result<()> {
        self.until(&format!("it says {words:?}"), |text| text.contains(words)).await
    }

    /// Presses Tab until something with this name, or whose name begins with it, has the focus.
    ///
    /// # Errors
    /// When nothing has.
    pub async fn tab_to(&mut self, name: &str) -> anyhow::Result<()> {
        let mut passed = Vec::new();
        for _ in 0..MOST_TABS {
            self.press("Tab").await?;
            let focused = self.evaluate(NAME_OF_FOCUS).await?;
            let focused = focused.as_str().unwrap_or_default().to_owned();
            if focused.starts_with(name) {
                return Ok(());
            }
            passed.push(focused);
        }
        anyhow::bail!("no Tab leads to {name:?}, but to {passed:?}")
    }

    /// Goes to something by the keyboard and presses Enter on it.
    ///
    /// # Errors
    /// As [`Self::tab_to`].
    pub async fn enter(&mut self, name: &str) -> anyhow::Result<()> {
        self.tab_to(name).await?;
        self.press("Enter").await
    }

    /// Goes to a field by the keyboard and writes into it.
    ///
    /// # Errors
    /// As [`Self::tab_to`].
    pub async fn fill(&mut self, name: &str, text: &str) -> anyhow::Result<()> {
        self.tab_to(name).await?;
        self.write(text).await
    }

    /// Writes where the focus is.
    ///
    /// # Errors
    /// A browser that does not answer.
    pub async fn write(&mut self, text: &str) -> anyhow::Result<()> {
        self.call("Input.insertText", json!({"text": text})).await?;
        Ok(())
    }

    /// # Errors
    /// A browser that does not answer.
    pub async fn press(&mut self, key: &str) -> anyhow::Result<()> {
        let (code, text) = match key {
            "Tab" => (9, ""),
            "Enter" => (13, "\r"),
            " " => (32, " "),
            "ArrowDown" => (40, ""),
            _ => (0, ""),
        };
        let event = |kind: &str| {
            let mut event = json!({"type": kind, "key": key, "code": key, "windowsVirtualKeyCode": code});
            if kind == "keyDown" && !text.is_empty() {
                event["text"] = text.into();
            }
            event
        };
        self.call("Input.dispatchKeyEvent", event("keyDown")).await?;
        self.call("Input.dispatchKeyEvent", event("keyUp")).await?;
        Ok(())
    }

    /// A PNG of what is shown.
    ///
    /// # Errors
    /// A browser that does not answer.
    pub async fn picture(&mut self) -> anyhow::Result<Vec<u8>> {
        let taken = self.call("Page.captureScreenshot", json!({"format": "png"})).await?;
        Ok(STANDARD.decode(taken["data"].as_str().context("a picture has bytes")?)?)
    }

    /// What went wrong in the page so far: exceptions, and what the browser complains about.
    #[must_use]
    pub fn complaints(&self) -> Vec<String> {
        let is_complaint = |event: &&Value| match event["method"].as_str() {
            Some("Runtime.exceptionThrown") => true,
            Some("Log.entryAdded") => event["params"]["entry"]["level"] == "error",
            _ => false,
        };
        self.browser.events.iter().filter(is_complaint).map(|event| event["params"].to_string()).collect()
    }

    /// Where the page has sent requests so far.
    #[must_use]
    pub fn requested(&self) -> Vec<String> {
        let sent = self.browser.events.iter().filter(|event| event["method"] == "Network.requestWillBeSent");
        sent.filter_map(|event| Some(event["params"]["request"]["url"].as_str()?.to_owned())).collect()
    }
}
