"""keepalived's checker in the place of the healthcheck room, for checks_bench.py. It needs IPVS in the kernel; where that has
none, ipvs_stand_in.c answers, so that only the checks are measured. On one processor, before all else, as the room is."""
import os
import subprocess
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TICKS = os.sysconf("SC_CLK_TCK")
SERVER = """\
  real_server {address} 8080 {{
    HTTP_GET {{
      url {{
        path /
        status_code 200
      }}
      connect_timeout 0.9
      retry 1
      delay_before_retry 1
    }}
  }}
"""


def configuration(addresses):
    servers = "".join(SERVER.format(address=address) for address in addresses)
    return ("global_defs {\n}\nvirtual_server 192.0.2.1 8080 {\n  delay_loop 1\n  lb_algo rr\n  lb_kind DR\n  protocol TCP\n  alpha\n"
            f"{servers}}}\n")


def stand_in(directory):
    library = os.path.join(directory, "ipvs_stand_in.so")
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, os.path.join(HERE, "ipvs_stand_in.c")], check=True)
    return library


class Keepalived:
    def __init__(self, directory, addresses, go_first):
        path = os.path.join(directory, "keepalived.conf")
        with open(path, "w", encoding="ascii") as file:
            file.write(configuration(addresses))
        environment = dict(os.environ, LD_PRELOAD=stand_in(directory))
        self.process = subprocess.Popen(["keepalived", "-f", path, "-C", "-n", "-l", "-D"], env=environment, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.ups, self.downs = [], []
        threading.Thread(target=self.read, daemon=True).start()
        while not self.pid():
            time.sleep(0.01)
        go_first(self.pid(), os.cpu_count() - 1)

    def read(self):
        for line in self.process.stdout:
            if "Adding service" in line:
                self.ups.append(time.monotonic())
            elif "Removing service" in line:
                self.downs.append(time.monotonic())

    def pid(self):
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children", encoding="ascii") as file:
            children = file.read().split()
        return int(children[0]) if children else None

    def cpu(self):
        with open(f"/proc/{self.pid()}/stat", encoding="ascii") as file:
            fields = file.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def stop(self):
        self.process.terminate()
        self.process.wait(30)
