"""moss with the guest of guest.py, and what the guest says."""
import os
import queue
import re
import socket
import subprocess
import threading
import time

EV_KEY, EV_REL, EV_ABS = 1, 2, 3


class Machine:
    def __init__(self, moss, scratch, guest, options, env=None):
        self.monitor_path = scratch + '/monitor'
        self.errors = open(scratch + '/errors', 'w+', encoding='utf-8')
        self.lines, self.devices = queue.Queue(), {}
        self.p = subprocess.Popen([moss, '-M', 'pc', '-m', '256', '-net', 'none', '-name', 'moss-ui-test', '-serial', 'stdio', '-monitor',
                                   f'unix:{self.monitor_path},server=on,wait=off', *guest, *options],
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.errors, env={**os.environ, **(env or {})})
        threading.Thread(target=self.listen, daemon=True).start()
        self.monitor_socket = None

    def listen(self):
        for line in self.p.stdout:
            self.lines.put(line.decode(errors='replace').strip())

    def line(self, timeout):
        try:
            return self.lines.get(timeout=timeout)
        except queue.Empty:
            return None

    def wait_for(self, text, timeout=90):
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            line = self.line(1)
            if line and line.startswith('D '):
                _, n, name = line.split(' ', 2)
                self.devices[int(n)] = name
            if line == text:
                return True
            if line is None and self.p.poll() is not None:
                break
        return False

    def event(self, timeout):
        """(device, type, code, value), or None."""
        while True:
            line = self.line(timeout)
            if line is None:
                return None
            m = re.fullmatch(r'E (\d+) (\d+) (\d+) (-?\d+)', line)
            if m:
                return tuple(int(g) for g in m.groups())

    def forget(self, quiet=0.1):
        while self.event(quiet):
            pass

    def monitor(self, command):
        if not self.monitor_socket:
            self.monitor_socket = socket.socket(socket.AF_UNIX)
            self.monitor_socket.connect(self.monitor_path)
            self.monitor_socket.settimeout(20)
            self.answer()
        self.monitor_socket.sendall(command.encode() + b'\n')
        return self.answer()

    def answer(self):
        seen = ''
        while not seen.endswith('(qemu) '):
            part = self.monitor_socket.recv(4096).decode()
            if not part:
                break
            seen += part
        return seen

    def choose_mouse(self, name):
        for n, who in re.findall(r'Mouse #(\d+): ([^\r\n]*)', self.monitor('info mice')):
            if name in who:
                self.monitor(f'mouse_set {n}')
                return True
        return False

    def end(self):
        if self.p.poll() is None:
            self.p.terminate()
            try:
                self.p.wait(20)
            except subprocess.TimeoutExpired:
                self.p.kill()
                self.p.wait()
