"""The virtual machine itself: what it shows, what comes back, and that nothing of the host changes."""
import os

import machine


def test_output_and_exit_code_come_back():
    done = machine.run(["bash", "-c", "echo to people; echo to the log >&2; pwd; exit 7"], directory="/usr/share")
    assert (done.status, done.stdout, done.stderr) == (7, "to people\n/usr/share\n", "to the log\n")


def test_the_kernel_has_ip_vs_with_every_scheduler_and_the_tunnels():
    schedulers = "rr wrr lc wlc sed nq fo ovf dh sh mh lblc lblcr".split()
    script = "\n".join(["set -e", "modprobe -a ipip ip_gre fou dummy veth ip_vs_ftp",
                        *(f"ipvsadm -A -t 10.0.0.1:{port} -s {name}" for port, name in enumerate(schedulers, 1)),
                        "ipvsadm -A -t [2001:db8::1]:80", "ipvsadm -Ln", "nft add table ip x"])
    done = machine.run(["bash", "-c", script])
    assert done.status == 0, done.stderr
    assert all(f" {name} \n" in done.stdout or f" {name}\n" in done.stdout for name in schedulers)
    assert "[2001:db8::1]:80" in done.stdout


def test_what_the_guest_writes_stays_in_the_guest(tmp_path):
    name = f"/etc/lvsd-vm-test-{os.getpid()}"
    done = machine.run(["bash", "-c", f"echo x >{name} && cat {name} && echo shared >{tmp_path}/out"], shares=[str(tmp_path)])
    assert (done.status, done.stdout) == (0, "x\n"), done.stderr
    assert not os.path.exists(name)
    assert (tmp_path / "out").read_text() == "shared\n"


def test_an_hour_of_virtual_time_costs_seconds():
    done = machine.run(["bash", "-c", "before=$(date +%s); sleep 3600; echo $(($(date +%s) - before))"], virtual_time=True)
    assert done.status == 0 and 3600 <= int(done.stdout) <= 3605, done
    assert done.seconds < 60


def test_a_machine_that_crashes_or_hangs_says_so_with_its_console():
    crashed = machine.run(["bash", "-c", "echo before; echo c >/proc/sysrq-trigger"])
    assert crashed.status == machine.NO_STATUS and crashed.stdout == "before\n"
    assert "without an exit status" in crashed.stderr and "sysrq triggered crash" in crashed.stderr
    hung = machine.run(["sleep", "1000"], timeout=8)
    assert hung.status == machine.NO_STATUS and "did not end within 8 s" in hung.stderr
