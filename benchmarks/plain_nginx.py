"""nginx that does nothing but send the files of a folder, with all that makes it fast."""

from pathlib import Path

from tests.support.nginx import Nginx, own_name

_CONFIGURATION = """
user {user}; daemon off; error_log stderr; pid {folder}/nginx.pid; worker_processes auto;
events {{ worker_connections 512; }}
http {{
    access_log off; sendfile on; tcp_nopush on;
    client_body_temp_path {folder}/1; proxy_temp_path {folder}/2; fastcgi_temp_path {folder}/3;
    uwsgi_temp_path {folder}/4; scgi_temp_path {folder}/5;
    server {{ listen 127.0.0.1:{port}; root {root}; }}
}}
"""


class PlainNginx(Nginx):
    """The thing that delivery is compared with."""

    def __init__(self, root: Path) -> None:
        super().__init__(upstream_port=1, root=root)
        text = _CONFIGURATION.format(user=own_name(), folder=self.folder, port=self.port, root=root)
        (self.folder / "nginx.conf").write_text(text, encoding="utf-8")
