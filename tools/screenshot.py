# /// script
# dependencies = ["selenium==4.51.0"]
# ///
"""Pictures of Airflow's UI for the README, from the real thing: `uv run tools/screenshot.py --help`.

Needs Chromium with its driver, and a forwarded port (`make ui`).
"""

import argparse
import os
import time
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support import expected_conditions as shown
from selenium.webdriver.support.ui import WebDriverWait

OPTIONS = (
    "--headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --hide-scrollbars --force-device-scale-factor=1"
)


def main() -> None:
    """Log in, open a page, and save what is seen."""
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("page", help="such as /dags/mlb_employee_data_pipeline")
    ask.add_argument("picture", type=Path, help="the PNG file to write")
    ask.add_argument("--url", default="http://localhost:8080", help="as Airflow knows itself")
    ask.add_argument("--wait-for", default=".react-flow__node", help="CSS of what must be there before")
    ask.add_argument("--settle", type=float, default=5, help="seconds between that and the picture")
    ask.add_argument("--size", default="1400,800")
    given = ask.parse_args()
    browser = _browser(given.size)
    try:
        _log_in(browser, given.url)
        browser.execute_script("localStorage.setItem('default_dag_view', JSON.stringify('graph'))")
        browser.get(given.url + given.page)
        WebDriverWait(browser, 60).until(
            shown.visibility_of_element_located((By.CSS_SELECTOR, given.wait_for))
        )
        time.sleep(given.settle)  # the graph is laid out and moved into view: nothing tells of its end
        browser.save_screenshot(str(given.picture))
    finally:
        browser.quit()


def _browser(size: str) -> webdriver.Chrome:
    options = webdriver.ChromeOptions()
    for option in (*OPTIONS.split(), f"--window-size={size}"):
        options.add_argument(option)
    return webdriver.Chrome(options, webdriver.ChromeService("/usr/bin/chromedriver"))


def _log_in(browser: webdriver.Chrome, url: str) -> None:
    """As the user of AIRFLOW_USER (admin) with the password in AIRFLOW_PASSWORD."""
    browser.get(url)
    wait = WebDriverWait(browser, 60)
    name = wait.until(shown.visibility_of_element_located((By.NAME, "username")))
    name.send_keys(os.environ.get("AIRFLOW_USER", "admin"))
    browser.find_element(By.NAME, "password").send_keys(os.environ["AIRFLOW_PASSWORD"])
    browser.find_element(By.CSS_SELECTOR, "[type=submit]").click()
    wait.until(shown.invisibility_of_element_located((By.NAME, "password")))


if __name__ == "__main__":
    main()
