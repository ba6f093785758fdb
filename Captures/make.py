#!/usr/bin/env python3
"""Makes the captures of this folder with real kernels: network namespaces, one fault each, tcpdump beside it.

usage: make.py [NAME ...]      (root; needs ip, nft, tcpdump, openssl; writes NAME.pcap here)

The topology is  client c -- router r -- server s  (10.0.1.0/24, 10.0.2.0/24; fd00:1::/64, fd00:2::/64).
README.md says for each file what was broken and what kubepath must say; a test reads that table.
"""
import os, socket, struct, subprocess, sys, textwrap, time

HERE = os.path.dirname(os.path.abspath(__file__))
PREFIX = 'kpc'


def sh(command, check=True):
    return subprocess.run(command, shell=True, check=check, capture_output=True, text=True).stdout


def ns(name):
    return PREFIX + name


def inside(name, command, check=True):
    return sh('ip netns exec %s %s' % (ns(name), command), check)


def python(name, code, wait=True):
    process = subprocess.Popen(['ip', 'netns', 'exec', ns(name), sys.executable, '-c', textwrap.dedent(code)],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    if wait:
        process.wait(60)
    return process


class Lab:
    """Namespaces that vanish at the end, and a tcpdump."""

    def __init__(self, file, where, interface, expression='', snap=0, names='crs'):
        self.file, self.where, self.interface, self.expression, self.snap = file, where, interface, expression, snap
        self.names, self.running = names, []

    def __enter__(self):
        for n in self.names:
            sh('ip netns del %s' % ns(n), False)
            sh('ip netns add %s' % ns(n))
            inside(n, 'ip link set lo up')
        return self

    def wire(self, a, ia, b, ib, mtu=1500):
        sh('ip link add %s netns %s mtu %d type veth peer name %s netns %s mtu %d' % (ia, ns(a), mtu, ib, ns(b), mtu))
        for n, i in ((a, ia), (b, ib)):
            inside(n, 'ethtool -K %s tx off tso off gso off gro off' % i, False)
            inside(n, 'ip link set %s up' % i)

    def routed(self, second_mtu=1500):
        self.wire('c', 'eth0', 'r', 'toc')
        self.wire('r', 'tos', 's', 'eth0')
        for n, i, a in (('c', 'eth0', '1::2'), ('r', 'toc', '1::1'), ('r', 'tos', '2::1'), ('s', 'eth0', '2::2')):
            net, host = a.split('::')
            inside(n, 'ip addr add 10.0.%s.%s/24 dev %s' % (net, host, i))
            inside(n, 'ip -6 addr add fd00:%s::%s/64 dev %s nodad' % (net, host, i))
        if second_mtu != 1500:
            inside('r', 'ip link set tos mtu %d' % second_mtu)
        inside('r', 'sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1')
        inside('c', 'ip route add default via 10.0.1.1')
        inside('s', 'ip route add default via 10.0.2.1')
        inside('c', 'ip -6 route add default via fd00:1::1')
        inside('s', 'ip -6 route add default via fd00:2::1')
        return self

    def bridge(self, members):
        """r is a bridge with the given namespaces on it."""
        inside('r', 'ip link add br0 type bridge')
        inside('r', 'ip link set br0 up')
        for n, address in members.items():
            self.wire(n, 'eth0', 'r', 'to' + n)
            inside('r', 'ip link set to%s master br0' % n)
            inside(n, 'ip addr add %s/24 dev eth0' % address)

    def nft(self, where, rules):
        subprocess.run(['ip', 'netns', 'exec', ns(where), 'nft', '-f', '-'], input=rules.replace('{ ', '{\n').replace(' }', '\n}\n'), text=True, check=True)

    def start(self):
        path = os.path.join(HERE, self.file + '.pcap')
        snap = ['-s', str(self.snap)] if self.snap else []
        self.dump = subprocess.Popen(['ip', 'netns', 'exec', ns(self.where), 'tcpdump', '-i', self.interface, '-U', '--immediate-mode',
                                      '-Z', 'root',
                                      '-w', path] + snap + ([self.expression] if self.expression else []),
                                     stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.dump.stderr.readline()
        time.sleep(0.4)

    def server(self, code, where='s'):
        self.running.append(python(where, code, wait=False))
        time.sleep(0.5)

    def __exit__(self, *_):
        time.sleep(0.4)
        if hasattr(self, 'dump'):
            self.dump.terminate()
            self.dump.wait(10)
        for process in self.running:
            process.kill()
            process.wait()
        for n in self.names:
            sh('ip netns del %s' % ns(n), False)


ECHO = '''
import socket, threading
def serve(k):
    try:
        n = int(k.recv(64).split()[0])
        k.sendall(b'x' * n)
        k.shutdown(1)
        k.recv(1)
    except Exception: pass
    k.close()
s = socket.socket(socket.AF_INET6); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(('::', 80)); s.listen(512)
while True:
    k, _ = s.accept(); threading.Thread(target=serve, args=(k,), daemon=True).start()
'''

SINK = '''
import socket
s = socket.socket(10, 2); s.bind(('::', 9))
while True: s.recv(65536)
'''

UPLOAD = '''
import socket, threading
def serve(k):
    try:
        while k.recv(65536): pass
    except Exception: pass
    k.close()
s = socket.socket(socket.AF_INET6); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(('::', 80)); s.listen(64)
while True:
    k, _ = s.accept(); threading.Thread(target=serve, args=(k,), daemon=True).start()
'''


def fetch(address, size, count=1, port=80, timeout=8):
    return '''
import socket
for i in range(%d):
    try:
        k = socket.create_connection((%r, %d), timeout=%d)
        k.sendall(b'%d\\n')
        while k.recv(65536): pass
        k.close()
    except Exception: pass
''' % (count, address, port, timeout, size)


def upload(address, size, seconds=6, pause=0, chunk=0):
    return '''
import socket, time
k = socket.create_connection((%r, 80), timeout=4)
k.sendall(b'small')
time.sleep(0.2)
k.settimeout(%d)
try:
    for i in range(%d):
        k.sendall(b'x' * %d); time.sleep(%f)
    k.shutdown(1); k.recv(1)
except Exception: pass
time.sleep(%f)
''' % (address, seconds, size // (chunk or size), chunk or size, pause, 0 if pause else seconds)


DNS_SERVER = '''
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(('0.0.0.0', 53)); seen = set()
while True:
    q, a = s.recvfrom(512)
    kind = q[-3]
    if %s: seen.add((q[:2], kind)); continue
    answer = b'\\xc0\\x0c' + q[-4:] + b'\\x00\\x00\\x00\\x1e' + (b'\\x00\\x04\\x0a\\x00\\x02\\x09' if kind == 1 else b'\\x00\\x10' + b'\\xfd' + bytes(15))
    s.sendto(q[:2] + b'\\x81\\x80\\x00\\x01\\x00\\x01\\x00\\x00\\x00\\x00' + q[12:] + answer, a)
'''

DNS_CLIENT = '''
import socket, time
name = b''.join(bytes([len(x)]) + x for x in b'web.shop.svc.cluster.local'.split(b'.')) + b'\\0'
for i in range(%d):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.connect(('10.0.2.2', 53))
    waiting = {}
    for kind in (1, 28):
        q = bytes([1 + i, kind]) + b'\\x01\\x00\\x00\\x01' + bytes(6) + name + bytes([0, kind, 0, 1])
        waiting[q[:2]] = q; s.send(q)
    for attempt in range(2):
        s.settimeout(%s)
        try:
            while waiting: waiting.pop(s.recv(512)[:2], None)
        except OSError: pass
        for q in waiting.values(): s.send(q)
    s.settimeout(0.3)
    try: s.recv(512)
    except OSError: pass
    s.close(); time.sleep(0.02)
'''


def vxlan(lab, mtu, port_c=4789, port_s=4789, v6=False, vni_s=42):
    lab.routed()
    for n, local, remote, inner, port, vni in (('c', '1', '2', '1', port_c, 42), ('s', '2', '1', '2', port_s, vni_s)):
        ends = 'local fd00:%s::2 remote fd00:%s::2 udp6zerocsumrx' % (local, remote) if v6 else 'local 10.0.%s.2 remote 10.0.%s.2' % (local, remote)
        inside(n, 'ip link add vx0 type vxlan id %d %s dstport %d' % (vni, ends, port))
        inside(n, 'ethtool -K vx0 tx off tso off gso off gro off', False)
        inside(n, 'ip link set vx0 mtu %d up' % mtu)
        inside(n, 'ip addr add 10.244.0.%s/24 dev vx0' % inner)


SCENARIOS = {}


def scenario(f):
    SCENARIOS[f.__name__.replace('_', '-')] = f
    return f


@scenario
def healthy_tcp(name):
    with Lab(name, 'r', 'toc') as lab:
        lab.routed(); lab.server(ECHO); lab.start()
        python('c', fetch('10.0.2.2', 9000, 3)); python('c', fetch('fd00:2::2', 5000, 2))


@scenario
def healthy_dns(name):
    with Lab(name, 'c', 'eth0') as lab:
        lab.routed(); lab.server(DNS_SERVER % 'False'); lab.start()
        python('c', DNS_CLIENT % (4, '1'))


@scenario
def healthy_vxlan(name):
    with Lab(name, 'r', 'toc') as lab:
        vxlan(lab, 1450); lab.server(ECHO); lab.start()
        python('c', fetch('10.244.0.2', 12000, 2))


@scenario
def healthy_any(name):
    with Lab(name, 'r', 'any') as lab:
        lab.routed(); lab.server(ECHO); lab.start()
        python('c', fetch('10.0.2.2', 6000, 2))


@scenario
def vxlan_mtu_fragments(name):
    with Lab(name, 'r', 'toc') as lab:
        vxlan(lab, 1500); lab.server(ECHO); lab.start()
        python('c', fetch('10.244.0.2', 12000, 1))


@scenario
def vxlan_mtu_blocked(name):
    # The link behind the router is smaller, outer packets carry DF, and the ICMP errors are dropped.
    with Lab(name, 'c', 'eth0') as lab:
        vxlan(lab, 1450)
        inside('c', 'ip link set vx0 type vxlan df set', False)
        inside('r', 'ip link set tos mtu 1400')
        inside('s', 'ip link set eth0 mtu 1400')
        lab.nft('r', 'table inet f { chain out { type filter hook output priority 0; icmp type destination-unreachable drop; } }')
        lab.server(UPLOAD); lab.start()
        python('c', upload('10.244.0.2', 9000))


@scenario
def vxlan_port_differs(name):
    with Lab(name, 'r', 'toc') as lab:
        vxlan(lab, 1450, 4789, 8472); lab.start()
        python('c', fetch('10.244.0.2', 10, 1, timeout=3))


@scenario
def black_hole(name):
    with Lab(name, 'c', 'eth0') as lab:
        lab.routed(second_mtu=1400)
        lab.nft('r', 'table inet f { chain out { type filter hook output priority 0; icmp type destination-unreachable drop; } }')
        lab.server(UPLOAD); lab.start()
        python('c', upload('10.0.2.2', 9000))


@scenario
def black_hole_ipv6(name):
    with Lab(name, 'c', 'eth0') as lab:
        lab.routed(second_mtu=1400)
        lab.nft('r', 'table inet f { chain out { type filter hook output priority 0; icmpv6 type packet-too-big drop; } }')
        lab.server(UPLOAD); lab.start()
        python('c', upload('fd00:2::2', 9000))


@scenario
def mss_not_clamped(name):
    # Path MTU discovery works, so nothing hangs; each connection still starts with packets that do not fit.
    with Lab(name, 'c', 'eth0') as lab:
        lab.routed(second_mtu=1400); lab.server(UPLOAD); lab.start()
        python('c', upload('10.0.2.2', 18000, 1, 0.01))


@scenario
def fragments(name):
    with Lab(name, 's', 'eth0') as lab:
        lab.routed(); lab.server(SINK); lab.start()
        python('c', "import socket,time\ns=socket.socket(2,2)\nfor i in range(4): s.sendto(bytes(3000),('10.0.2.2',9)); time.sleep(.05)\n")


@scenario
def fragments_ipv6(name):
    with Lab(name, 's', 'eth0') as lab:
        lab.routed(); lab.server(SINK); lab.start()
        python('c', "import socket,time\ns=socket.socket(10,2)\nfor i in range(4): s.sendto(bytes(3000),('fd00:2::2',9)); time.sleep(.05)\n")


@scenario
def fragments_lost(name):
    with Lab(name, 's', 'eth0', 'udp or ip[6:2] & 0x3fff != 0') as lab:
        lab.routed()
        lab.nft('r', 'table ip f { chain pre { type filter hook prerouting priority -500; ip frag-off & 0x1fff != 0 drop; } }')
        lab.start()
        python('c', "import socket,time\ns=socket.socket(2,2)\nfor i in range(6): s.sendto(bytes(3000),('10.0.2.2',9000)); time.sleep(.05)\n")


@scenario
def reply_not_translated(name):
    # Client and server share a bridge; the router translates the VIP but the answer does not come back through it.
    with Lab(name, 'c', 'eth0', names='crsv') as lab:
        lab.bridge({'c': '10.0.1.2', 's': '10.0.1.3', 'v': '10.0.1.1'})
        inside('v', 'sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.all.send_redirects=0 net.ipv4.conf.eth0.send_redirects=0')
        inside('c', 'ip route add 10.96.0.0/16 via 10.0.1.1')
        lab.nft('v', 'table ip n { chain pre { type nat hook prerouting priority -100; ip daddr 10.96.0.10 tcp dport 80 dnat to 10.0.1.3:80; } }')
        lab.server(ECHO); lab.start()
        python('c', fetch('10.96.0.10', 100, 2, timeout=2))


@scenario
def hairpin(name):
    # The VIP leads back to the Pod that dials it; the bridge port does not send a packet out where it came in.
    with Lab(name, 'c', 'eth0', names='cr') as lab:
        lab.bridge({'c': '10.0.1.2'})
        inside('r', 'ip addr add 10.0.1.1/24 dev br0')
        inside('r', 'sysctl -qw net.ipv4.ip_forward=1')
        inside('c', 'ip route add default via 10.0.1.1')
        lab.nft('r', 'table ip n { chain pre { type nat hook prerouting priority -100; ip daddr 10.96.0.10 tcp dport 80 dnat to 10.0.1.2:80; } }')
        lab.server(ECHO, 'c'); lab.start()
        python('c', fetch('10.96.0.10', 100, 1, timeout=4))


@scenario
def drop(name):
    with Lab(name, 'c', 'eth0') as lab:
        lab.routed()
        lab.nft('r', 'table inet f { chain way { type filter hook forward priority 0; tcp dport 80 drop; } }')
        lab.server(ECHO); lab.start()
        python('c', fetch('10.0.2.2', 10, 1, timeout=8))


@scenario
def reject(name):
    with Lab(name, 'c', 'eth0') as lab:
        lab.routed()
        lab.nft('r', 'table inet f { chain way { type filter hook forward priority 0; tcp dport 80 reject with icmpx admin-prohibited; } }')
        lab.start()
        python('c', fetch('10.0.2.2', 10, 2, timeout=3)); python('c', fetch('fd00:2::2', 10, 1, timeout=3))


@scenario
def refused(name):
    with Lab(name, 'c', 'eth0') as lab:
        lab.routed(); lab.start()
        python('c', fetch('10.0.2.2', 10, 2, port=8081))


@scenario
def loss(name):
    with Lab(name, 's', 'eth0') as lab:
        lab.routed()
        lab.nft('r', 'table inet f { chain way { type filter hook forward priority 0; ip length > 1000 numgen inc mod 12 == 7 drop; } }')
        lab.server(ECHO); lab.start()
        python('c', fetch('10.0.2.2', 90000, 1))


@scenario
def conntrack_full(name):
    # nf_conntrack_max cannot be set per namespace: a rule that drops new connections for some seconds stands in for it.
    with Lab(name, 'c', 'eth0', snap=0) as lab:
        lab.routed(); lab.server(ECHO)
        lab.nft('r', 'table ip f { chain way { type filter hook forward priority 0; } }')
        lab.start()
        lab.server(UPLOAD.replace("80", "81"))
        old = python('c', upload('10.0.2.2', 40000, 6, 0.15, 1000).replace(', 80)', ', 81)'), wait=False)
        time.sleep(0.8)
        python('c', fetch('10.0.2.2', 10, 30))
        lab.nft('r', 'add rule ip f way tcp dport 80 tcp flags & (syn|ack) == syn drop')
        many = '''
import socket, time
ks = []
for i in range(40):
    k = socket.socket(); k.setblocking(False); k.connect_ex(('10.0.2.2', 80)); ks.append(k); time.sleep(.03)
time.sleep(3.5)
'''
        python('c', many)
        old.wait(20)


@scenario
def dns_five_seconds(name):
    with Lab(name, 'c', 'eth0') as lab:
        lab.routed(); lab.server(DNS_SERVER % 'kind == 28 and q[0] < 3 and (q[:2], kind) not in seen'); lab.start()
        python('c', DNS_CLIENT % (3, '5'))


@scenario
def dns_unanswered(name):
    with Lab(name, 'c', 'eth0') as lab:
        lab.routed(); lab.server(DNS_SERVER % 'True'); lab.start()
        python('c', DNS_CLIENT % (2, '1.5'))


@scenario
def duplicate_address(name):
    with Lab(name, 'c', 'eth0', names='crsv') as lab:
        lab.bridge({'c': '10.0.1.2', 's': '10.0.1.100', 'v': '10.0.1.100'})
        lab.start()
        for _ in range(3):
            inside('c', 'ip neigh flush dev eth0', False)
            python('c', "import socket,time\ns=socket.socket(2,2)\ns.sendto(b'x',('10.0.1.100',9)); time.sleep(.4)\n")


@scenario
def zero_window(name):
    with Lab(name, 'c', 'eth0') as lab:
        lab.routed()
        lab.server('''
            import socket, time
            s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096); s.bind(('0.0.0.0', 80)); s.listen(1)
            k, _ = s.accept(); time.sleep(2.5)
            while k.recv(65536): pass
        ''')
        lab.start()
        python('c', upload('10.0.2.2', 30000, 5, 0.001))


@scenario
def slow_server(name):
    with Lab(name, 'c', 'eth0') as lab:
        lab.routed(); lab.server(ECHO.replace("k.sendall(b'x' * n)", "import time; time.sleep(1.6); k.sendall(b'x' * n)")); lab.start()
        python('c', fetch('10.0.2.2', 500, 2))


@scenario
def tls_version(name):
    with Lab(name, 'c', 'eth0') as lab:
        lab.routed()
        sh('openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=web -keyout /tmp/kpc.key -out /tmp/kpc.crt')
        lab.server('''
            import socket, ssl
            c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER); c.minimum_version = ssl.TLSVersion.TLSv1_3; c.load_cert_chain('/tmp/kpc.crt', '/tmp/kpc.key')
            s = socket.socket(); s.bind(('0.0.0.0', 443)); s.listen(5)
            while True:
                k, _ = s.accept()
                try: c.wrap_socket(k, server_side=True)
                except Exception: k.close()
        ''')
        lab.start()
        python('c', '''
            import socket, ssl
            c = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT); c.check_hostname = False; c.verify_mode = ssl.CERT_NONE; c.maximum_version = ssl.TLSVersion.TLSv1_2
            for i in range(2):
                k = socket.create_connection(('10.0.2.2', 443))
                try: c.wrap_socket(k, server_hostname='web.shop.svc')
                except Exception: pass
        ''')
        sh('rm -f /tmp/kpc.key /tmp/kpc.crt')


@scenario
def one_direction(name):
    with Lab(name, 'r', 'toc', 'src 10.0.1.2') as lab:
        lab.routed(); lab.server(ECHO); lab.start()
        python('c', fetch('10.0.2.2', 9000, 2))


@scenario
def snapped(name):
    with Lab(name, 'r', 'toc', snap=96) as lab:
        lab.routed(); lab.server(ECHO); lab.start()
        python('c', fetch('10.0.2.2', 9000, 2))


@scenario
def healthy_vxlan_ipv6(name):
    with Lab(name, 'r', 'toc') as lab:
        vxlan(lab, 1430, v6=True); lab.server(ECHO); lab.start()
        python('c', fetch('10.244.0.2', 12000, 2))


@scenario
def vxlan_odd_port(name):
    with Lab(name, 'r', 'toc') as lab:
        vxlan(lab, 1450, 7777, 7777); lab.server(ECHO); lab.start()
        python('c', fetch('10.244.0.2', 12000, 2))


@scenario
def vxlan_blocked(name):
    with Lab(name, 'c', 'eth0') as lab:
        vxlan(lab, 1450)
        lab.nft('r', 'table inet f { chain way { type filter hook forward priority 0; udp dport 4789 drop; } }')
        lab.server(ECHO); lab.start()
        for pod in ('10.244.0.2', '10.244.0.3'):  # one alone might be the one that does not answer
            inside('c', f'ip neigh add {pod} lladdr 02:00:00:00:00:99 dev vx0')
            python('c', fetch(pod, 10, 1, timeout=4))


@scenario
def vxlan_vni_differs(name):
    with Lab(name, 'r', 'toc') as lab:
        vxlan(lab, 1450, vni_s=43); lab.start()
        client = python('c', fetch('10.244.0.2', 10, 1, timeout=3), wait=False)
        python('s', fetch('10.244.0.1', 10, 1, timeout=3))
        client.wait(20)


@scenario
def wrong_vtep(name):
    # The far end's address belongs to nobody: the router's own neighbour discovery fails and it says so.
    with Lab(name, 'c', 'eth0') as lab:
        vxlan(lab, 1450)
        inside('c', 'bridge fdb append 00:00:00:00:00:00 dev vx0 dst 10.0.2.99')
        inside('c', 'bridge fdb del 00:00:00:00:00:00 dev vx0 dst 10.0.2.2')
        lab.start()
        python('c', fetch('10.244.0.2', 10, 1, timeout=5))


@scenario
def vxlan_checksum(name):
    # No card at hand gets checksums wrong: a raw socket sends what one would send, an inner echo request.
    with Lab(name, 's', 'eth0') as lab:
        vxlan(lab, 1450); lab.start()
        python('c', '''
            import socket, struct, time
            def check(b):
                b += bytes(len(b) % 2); t = sum(struct.unpack('!%dH' % (len(b) // 2), b))
                while t >> 16: t = (t & 0xffff) + (t >> 16)
                return ~t & 0xffff
            def ip(proto, source, destination, body, ident):
                h = struct.pack('!BBHHHBBH4s4s', 0x45, 0, 20 + len(body), ident, 0, 64, proto, 0, socket.inet_aton(source), socket.inet_aton(destination))
                return h[:10] + struct.pack('!H', check(h)) + h[12:] + body
            raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
            for n in range(6):
                echo = struct.pack('!BBHHH', 8, 0, 0, 7, n) + bytes(56)
                echo = echo[:2] + struct.pack('!H', check(echo)) + echo[4:]
                inner = bytes.fromhex('0200000000990200000000010800') + ip(1, '10.244.0.1', '10.244.0.2', echo, n)
                body = bytes.fromhex('0800000000002a00') + inner
                raw.sendto(ip(17, '10.0.1.2', '10.0.2.2', struct.pack('!HHHH', 50000, 4789, 8 + len(body), 0xbad0 + n) + body, 100 + n), ('10.0.2.2', 0))
                time.sleep(0.05)
        ''')


@scenario
def black_hole_receiver(name):
    with Lab(name, 's', 'eth0') as lab:
        lab.routed(second_mtu=1400)
        lab.nft('r', 'table inet f { chain out { type filter hook output priority 0; icmp type destination-unreachable drop; } }')
        lab.server(UPLOAD); lab.start()
        python('c', upload('10.0.2.2', 9000))


@scenario
def black_hole_probed(name):
    with Lab(name, 'c', 'eth0') as lab:
        lab.routed(second_mtu=1400)
        inside('c', 'sysctl -qw net.ipv4.tcp_mtu_probing=1')
        lab.nft('r', 'table inet f { chain out { type filter hook output priority 0; icmp type destination-unreachable drop; } }')
        lab.server(UPLOAD); lab.start()
        python('c', upload('10.0.2.2', 20000, 14))


@scenario
def pmtu_ignored(name):
    # The router says "fragmentation needed"; the client's own firewall drops it.
    with Lab(name, 'c', 'eth0') as lab:
        lab.routed(second_mtu=1400)
        lab.nft('c', 'table inet f { chain in { type filter hook input priority 0; icmp type destination-unreachable drop; } }')
        lab.server(UPLOAD); lab.start()
        python('c', upload('10.0.2.2', 9000))


@scenario
def routing_loop(name):
    with Lab(name, 'c', 'eth0') as lab:
        lab.routed()
        inside('c', 'sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.all.send_redirects=0 net.ipv4.conf.eth0.send_redirects=0')
        inside('r', 'sysctl -qw net.ipv4.conf.all.send_redirects=0 net.ipv4.conf.toc.send_redirects=0')
        inside('r', 'ip route add 10.0.9.0/24 via 10.0.1.2'); lab.start()
        python('c', fetch('10.0.9.9', 10, 1, timeout=4))


@scenario
def tls_expired(name):
    with Lab(name, 'c', 'eth0') as lab:
        lab.routed()
        # Only `openssl ca` takes dates.
        sh('''set -e; d=$(mktemp -d); cd $d; touch index; echo 01 > serial
            printf '[ca]\ndefault_ca=c\n[c]\ndatabase=index\nserial=serial\nnew_certs_dir=.\ndefault_md=sha256\npolicy=p\nx509_extensions=x\n[p]\ncommonName=supplied\n[x]\nsubjectAltName=DNS:web.shop.svc\nbasicConstraints=CA:true\n' > conf
            openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=web.shop.svc -keyout /tmp/kpc.key -out csr
            openssl ca -batch -selfsign -config conf -keyfile /tmp/kpc.key -in csr -out /tmp/kpc.crt -notext -startdate 20250101000000Z -enddate 20260101000000Z
            rm -r $d''')
        lab.server('''
            import socket, ssl
            c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER); c.maximum_version = ssl.TLSVersion.TLSv1_2; c.load_cert_chain('/tmp/kpc.crt', '/tmp/kpc.key')
            s = socket.socket(); s.bind(('0.0.0.0', 443)); s.listen(5)
            while True:
                k, _ = s.accept()
                try: c.wrap_socket(k, server_side=True)
                except Exception: k.close()
        ''')
        lab.start()
        python('c', '''
            import socket, ssl
            c = ssl.create_default_context(cafile='/tmp/kpc.crt')
            for i in range(2):
                k = socket.create_connection(('10.0.2.2', 443))
                try: c.wrap_socket(k, server_hostname='web.shop.svc')
                except Exception: pass
        ''')
        sh('rm -f /tmp/kpc.key /tmp/kpc.crt')


if __name__ == '__main__':
    for wanted in sys.argv[1:] or SCENARIOS:
        print(wanted, flush=True)
        SCENARIOS[wanted](wanted)
