"""Makes C++ of the page: `embed.py page.html page.cc`. The page's script and style are named in its Content-Security-Policy
by their hashes, so that a browser runs nothing else."""

import base64
import hashlib
import pathlib
import re
import sys


def source_hash(html, tag):
    """'sha256-...' of the one element of this name."""
    bodies = re.findall(rf"<{tag}>(.*?)</{tag}>", html, re.DOTALL)
    if len(bodies) != 1:
        sys.exit(f"{sys.argv[1]}: expected one <{tag}>, found {len(bodies)}")
    return "'sha256-" + base64.b64encode(hashlib.sha256(bodies[0].encode()).digest()).decode() + "'"


def main():
    html = pathlib.Path(sys.argv[1]).read_text(encoding="utf-8")
    policy = "; ".join(["default-src 'none'", f"script-src {source_hash(html, 'script')}", f"style-src {source_hash(html, 'style')}",
                        "connect-src 'self'", "img-src data:", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"])
    text = (f'#include "admin/page.h"\n\nnamespace leat::admin {{\n\nconst std::string_view kPage = R"page~({html})page~";\n'
            f'const std::string_view kPagePolicy = "{policy}";\n\n}}  // namespace leat::admin\n')
    pathlib.Path(sys.argv[2]).write_text(text, encoding="utf-8")


main()
