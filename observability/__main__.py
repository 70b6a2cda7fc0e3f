"""`python -m observability` writes what the charts ship, and the rules as plain files."""

from observability.files import ROOT, files

if __name__ == "__main__":
    for path, text in files().items():
        (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / path).write_text(text)
        print(path)
