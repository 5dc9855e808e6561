# SPDX-License-Identifier: GPL-2.0-or-later
#
# l2tpha: one plain GNU make file.  Rooms are archives picked up by wildcard
# (l2tp/*.c -> build/l2tp.a, ...), programs link the rooms they may know.
#
#   make            daemon, l2tpctl, plugin, test helpers
#   make check      everything: unit, sim, static analysis, lab  (.ci/run)
#   make check-quick  unit + a short sim, under two minutes
#   make sim SEEDS=n [SEED=first]   make bench   make demo   make lab
#   make asan       unit + sim under ASan/UBSan (build-asan/)
#   make fuzz FUZZ_S=seconds   each fuzzer so long (build-fuzz/)
#   make install DESTDIR= PREFIX=/usr
#   V=1 shows commands, B=dir builds elsewhere, WERROR=1 as CI does

B       ?= build
PREFIX  ?= /usr
SBINDIR ?= $(PREFIX)/sbin
BINDIR  ?= $(PREFIX)/bin
LIBEXECDIR ?= $(PREFIX)/libexec
MANDIR  ?= $(PREFIX)/share/man
SYSCONFDIR ?= /etc
CC      ?= gcc
PKG_CONFIG ?= pkg-config
VERSION := $(shell sed -n '1s/.*(\(.*\)).*/\1/p' debian/changelog 2>/dev/null)

LIBS_NL   := libnl-3.0 libnl-genl-3.0 libnl-route-3.0
LIBS_HA   := gnutls libprotobuf-c
LIBS_D    := jansson nettle libnftables

pc_cflags = $(shell $(PKG_CONFIG) --cflags $(1) 2>/dev/null)
pc_libs   = $(shell $(PKG_CONFIG) --libs $(1) 2>/dev/null)

CFLAGS  ?= -O2 -g
WARN    := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
           -Wpointer-arith -Wformat=2 -Wvla $(if $(WERROR),-Werror)
HARDEN  ?= -fstack-protector-strong -D_FORTIFY_SOURCE=2 -fstack-clash-protection -fcf-protection
CPPFLAGS += -I. -I$(B) -D_GNU_SOURCE -DL2TPHA_VERSION='"$(or $(VERSION),0.1)"'
CPPFLAGS += $(call pc_cflags,$(LIBS_NL))
ALL_CFLAGS = -std=gnu11 $(CFLAGS) $(WARN) $(HARDEN) $(SAN) -fPIE -MMD -MP
LDHARDEN ?= -pie -Wl,-z,relro,-z,now -Wl,--as-needed
ALL_LDFLAGS = $(LDFLAGS) $(LDHARDEN) $(SAN)

Q := $(if $(V),,@)
# what a test builds, it builds on all processors, unless -j was given
JOBS = $(if $(findstring jobserver,$(MAKEFLAGS)),,-j$(shell nproc))
say = @$(if $(V),:,printf '  %-5s %s\n' $(1) $(2))

# ---- rooms -------------------------------------------------------------
src   = $(wildcard $(1)/*.c)
obj   = $(patsubst %.c,$(B)/%.o,$(1))

L2TP_SRC  := $(call src,l2tp)
HA_SRC    := $(filter-out ha/link.c,$(call src,ha))
HALINK_SRC := ha/link.c
PROTO     := $(wildcard ha/*.proto)
NL_SRC    := $(filter-out netlink/null%.c,$(call src,netlink))
NULL_SRC  := $(wildcard netlink/null*.c)
# pure part of the daemon: everything but io_*.c and main.c
DPURE_SRC := $(filter-out daemon/io_%.c daemon/main.c,$(call src,daemon))
DIO_SRC   := $(wildcard daemon/io_*.c) daemon/main.c
CTL_SRC   := $(call src,l2tpctl)
LAC_SRC   := $(call src,tests/lac)
LOADLAC_SRC := $(wildcard tests/lab/loadlac*.c)
DPDRIVER_SRC := $(wildcard tests/lab/dp-driver*.c)
SIM_SRC   := $(call src,tests/sim)
OWNLAC_SRC := $(call src,tests/lac-own)
PLUGIN_SRC := $(call src,pppd-plugin)

# code of the plugin room that the daemon shares (no pppd headers): proto*.c
PPROTO_SRC := $(wildcard pppd-plugin/proto*.c)

L2TP_A := $(B)/l2tp.a
HA_A   := $(B)/ha.a
NL_A   := $(B)/netlink.a
NULL_A := $(B)/netlink-null.a
DPURE_A := $(B)/daemon.a
LAC_A  := $(B)/tests-lac.a
PPROTO_A := $(B)/pppproto.a

PROGS := $(B)/l2tphad $(B)/l2tpctl $(B)/l2tpha.so
UNIT_SRC  := $(wildcard tests/unit/test-*.c)
UNIT  := $(patsubst tests/unit/%.c,$(B)/unit/%,$(UNIT_SRC))
LABSINGLE_SRC := $(filter-out $(LOADLAC_SRC) $(DPDRIVER_SRC),$(wildcard tests/lab/*.c))
LABPROGS := $(patsubst tests/lab/%.c,$(B)/%,$(LABSINGLE_SRC)) $(if $(LOADLAC_SRC),$(B)/loadlac) $(B)/dp-driver
BENCH_SRC := $(wildcard tests/bench/bench-*.c)
BENCHPROGS := $(patsubst tests/bench/%.c,$(B)/bench/%,$(BENCH_SRC))
ISSUPROGS := $(B)/issu/node $(B)/issu/mixed
SIMPROG := $(if $(SIM_SRC),$(B)/sim)
OWNSIM := $(if $(SIM_SRC),$(B)/sim-own)

.PHONY: all progs tests clean check check-quick unit sim asan lint lab demo bench install fuzz deps deb
.DEFAULT_GOAL := all
all: deps-build progs tests
progs: $(PROGS)
tests: $(UNIT) $(B)/l2tphad-null $(B)/decode $(LABPROGS) $(SIMPROG) $(OWNSIM) $(BENCHPROGS) $(ISSUPROGS)

# a fresh machine gets what the build needs before anything is compiled
.PHONY: deps-build
deps-build: ; @tests/deps.sh build

$(B)/%.o: %.c
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -c -o $@ $<

define room
$(1): $(call obj,$(2))
	$$(call say,AR,$$@)
	$$(Q)rm -f $$@ && ar rcs $$@ $$^
endef
PB_C := $(patsubst ha/%.proto,$(B)/ha/%.pb-c.c,$(PROTO))
PB_O := $(PB_C:.c=.o)
$(B)/ha/%.pb-c.c $(B)/ha/%.pb-c.h &: ha/%.proto
	$(call say,PROTO,$<)
	$(Q)mkdir -p $(B)/ha
	$(Q)cd ha && protoc-c --c_out=$(abspath $(B))/ha $(notdir $<)
$(PB_O): $(B)/ha/%.pb-c.o: $(B)/ha/%.pb-c.c
	$(Q)$(CC) -I$(B)/ha $(ALL_CFLAGS) -c -o $@ $<
PB_H := $(PB_C:.c=.h)
# the generated header exists before anything of the pure rooms is compiled
$(call obj,$(HA_SRC) $(HALINK_SRC) $(DPURE_SRC) $(DIO_SRC) $(SIM_SRC)): | $(PB_H)
$(UNIT): | $(PB_H)

$(eval $(call room,$(L2TP_A),$(L2TP_SRC)))
$(HA_A): $(call obj,$(HA_SRC)) $(PB_O)
	$(call say,AR,$@)
	$(Q)rm -f $@ && ar rcs $@ $^
$(eval $(call room,$(NL_A),$(NL_SRC)))
$(eval $(call room,$(NULL_A),$(NULL_SRC)))
$(eval $(call room,$(DPURE_A),$(DPURE_SRC)))
$(eval $(call room,$(LAC_A),$(LAC_SRC)))
$(eval $(call room,$(PPROTO_A),$(PPROTO_SRC)))

L_BASE := $(call pc_libs,nettle jansson libprotobuf-c) -lm
L_DAEMON = $(L_BASE) $(call pc_libs,$(LIBS_NL) gnutls libnftables) -lev $(SYSTEMD_LIBS)
ifeq ($(shell $(PKG_CONFIG) --exists libsystemd && echo y),y)
CPPFLAGS += -DHAVE_SYSTEMD
SYSTEMD_LIBS := $(call pc_libs,libsystemd)
endif

define link
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $(1)
endef

$(B)/l2tphad: $(call obj,$(DIO_SRC) $(HALINK_SRC)) $(DPURE_A) $(HA_A) $(L2TP_A) $(NL_A) $(PPROTO_A)
	$(call link,$^ $(L_DAEMON))
# the same without a kernel and without pppd: what its control plane costs, and stands
$(B)/l2tphad-null: $(call obj,$(filter-out daemon/io_pppd%.c,$(DIO_SRC)) $(HALINK_SRC) $(wildcard tests/null/*.c)) $(DPURE_A) $(HA_A) $(L2TP_A) $(NULL_A) $(NL_A) $(PPROTO_A)
	$(call link,$^ $(L_DAEMON))
# its objects live in ctl/: the program has the name of the room
$(B)/ctl/%.o: l2tpctl/%.c
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -c -o $@ $<
$(B)/l2tpctl: $(patsubst l2tpctl/%.c,$(B)/ctl/%.o,$(CTL_SRC))
	$(call link,$^ -ledit $(call pc_libs,jansson))
$(B)/l2tpha.so: $(PLUGIN_SRC) $(wildcard pppd-plugin/*.h) daemon/ppp.h
	$(call say,PLUG,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) -std=gnu11 $(CFLAGS) -Wall -Wextra $(if $(WERROR),-Werror) $(HARDEN) -fPIC -shared -Wl,-z,relro,-z,now -o $@ $(PLUGIN_SRC)
$(B)/loadlac: $(call obj,$(LOADLAC_SRC)) $(LAC_A)
	$(call link,$^ $(L_BASE))
$(B)/dp-driver: $(call obj,$(DPDRIVER_SRC) daemon/log.c l2tp/endpoint.c) $(NL_A)
	$(call link,$^ $(L_DAEMON))
$(patsubst tests/lab/%.c,$(B)/%,$(LABSINGLE_SRC)): $(B)/%: $(B)/tests/lab/%.o $(PPROTO_A)
	$(call link,$< $(if $(filter %ppp-driver,$@),$(call obj,$(wildcard daemon/io_pppd*.c daemon/log.c daemon/io_log.c)) $(NL_A)) $(PPROTO_A) $(L_DAEMON))
$(B)/ppp-driver: $(call obj,$(wildcard daemon/io_pppd*.c daemon/log.c daemon/io_log.c)) $(NL_A)
$(B)/decode: $(call obj,$(wildcard tests/decode/*.c)) $(L2TP_A)
	$(call link,$^ $(L_BASE))
$(B)/unit/%: $(B)/tests/unit/%.o $(DPURE_A) $(HA_A) $(L2TP_A) $(NULL_A) $(PPROTO_A) $(LAC_A)
	$(call link,$(filter %.o,$^) $(filter %.a,$^) $(call pc_libs,check) $(L_BASE))
$(B)/unit/test-daemon-flood $(B)/unit/test-daemon-groups: | $(B)/l2tphad-null
$(B)/unit/test-ctl: $(call obj,daemon/io_ctl.c daemon/io_apart.c daemon/io_config.c) | $(B)/l2tpctl
$(B)/unit/test-ctl: L_BASE += -lev
$(B)/unit/test-seqnum: $(call obj,netlink/seqnum.c)
$(B)/unit/test-udp: $(call obj,netlink/udp.c netlink/twin.c)
$(B)/unit/test-udp: L_BASE += -lev $(call pc_libs,libnftables)
$(B)/unit/test-link: $(call obj,$(HALINK_SRC))
$(B)/unit/test-link: L_BASE += $(call pc_libs,gnutls)
# the same with our own engine as its LACs
$(B)/sim-own: $(call obj,$(SIM_SRC) $(OWNLAC_SRC)) $(DPURE_A) $(HA_A) $(L2TP_A) $(NULL_A) $(PPROTO_A) $(LAC_A)
	$(call link,$^ $(L_BASE))
$(B)/sim: $(call obj,$(SIM_SRC)) $(DPURE_A) $(HA_A) $(L2TP_A) $(NULL_A) $(PPROTO_A) $(LAC_A)
	$(call link,$^ $(L_BASE))
$(B)/bench/%: $(B)/tests/bench/%.o $(DPURE_A) $(HA_A) $(L2TP_A) $(NULL_A) $(PPROTO_A) $(LAC_A)
	$(call link,$(filter %.o,$^) $(filter %.a,$^) $(L_BASE))
$(BENCHPROGS): $(call obj,$(wildcard tests/bench/control-*.c) $(HALINK_SRC))
$(BENCHPROGS): L_BASE += $(call pc_libs,gnutls)
# the pair of mixed releases; tests/issu/build-previous builds the other node
$(B)/tests/issu/node.o: CPPFLAGS += -DISSU_VERSIONS
$(B)/issu/%: $(B)/tests/issu/%.o $(DPURE_A) $(HA_A) $(L2TP_A) $(NULL_A) $(PPROTO_A) $(LAC_A)
	$(call link,$(filter %.o,$^) $(filter %.a,$^) $(L_BASE))
$(B)/issu/node: $(call obj,$(HALINK_SRC))
$(B)/issu/node: L_BASE += $(call pc_libs,gnutls)
# only tests/fuzz/run builds these: CC=clang, B=build-fuzz, instrumented
$(B)/fuzz/%: $(B)/tests/fuzz/%.o $(DPURE_A) $(HA_A) $(L2TP_A) $(NULL_A) $(PPROTO_A) $(LAC_A)
	$(call link,-fsanitize=fuzzer $(filter %.o,$^) $(filter %.a,$^) $(L_BASE))
$(B)/fuzz/fuzz-ctl: $(call obj,daemon/io_ctl.c daemon/io_apart.c daemon/io_config.c)
$(B)/fuzz/fuzz-ctl: L_BASE += -lev

.SECONDARY:
-include $(shell find $(B) -path $(B)/previous -prune -o -name '*.d' -print 2>/dev/null)

# ---- tests -------------------------------------------------------------
SEEDS ?= 1000
SEED  ?= 1
unit: $(UNIT)
	@tests/run-unit $(UNIT)
sim: $(SIMPROG)
	@$(SIMPROG) --seed $(SEED) --seeds $(SEEDS)
check-quick: deps-build
	@$(MAKE) --no-print-directory $(JOBS) progs tests
	@tests/check quick
check:
	@tests/deps.sh build
	@tests/deps.sh check
	@$(MAKE) --no-print-directory $(JOBS) WERROR=1 progs tests
	@tests/check full
ASAN := B=build-asan SAN='-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer' HARDEN= CFLAGS='-O1 -g1' LDHARDEN=-pie
asan:
	@$(MAKE) --no-print-directory $(JOBS) $(ASAN) asan-build
	@$(MAKE) --no-print-directory -j1 $(ASAN) unit sim SEEDS=$(or $(ASAN_SEEDS),200)
.PHONY: asan-build
asan-build: $(UNIT) $(SIMPROG)
fuzz:
	@tests/deps.sh build && tests/deps.sh check
	@tests/fuzz/run $(or $(FUZZ_S),60)
lint:
	@tests/lint
lab: ; @tests/deps.sh build && tests/deps.sh check && $(MAKE) --no-print-directory progs tests && tests/lab/vm shell
demo:
	@tests/deps.sh build && tests/deps.sh demo
	@$(MAKE) --no-print-directory progs tests
	@tests/lab/vm run tests/lab/demo.sh
bench:
	@tests/deps.sh build && tests/deps.sh check
	@$(MAKE) --no-print-directory progs tests
	@tests/bench/run

deb: ; dpkg-buildpackage -us -uc -b

install: progs
	install -D -m 0755 $(B)/l2tphad $(DESTDIR)$(SBINDIR)/l2tphad
	install -D -m 0755 $(B)/l2tpctl $(DESTDIR)$(BINDIR)/l2tpctl
	install -D -m 0644 l2tpctl/l2tpctl.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/l2tpctl
	install -D -m 0644 $(B)/l2tpha.so $(DESTDIR)$(PREFIX)/lib/l2tpha/l2tpha.so
	for m in $(wildcard man/*.[1-8]); do s=$${m##*.}; install -D -m 0644 $$m $(DESTDIR)$(MANDIR)/man$$s/$${m##*/} || exit 1; done
	install -D -m 0755 daemon/ocf/l2tpha $(DESTDIR)$(PREFIX)/lib/ocf/resource.d/l2tpha/l2tpha
	install -d -m 0755 $(DESTDIR)$(SYSCONFDIR)/l2tpha

clean: ; rm -rf $(B) build-asan
