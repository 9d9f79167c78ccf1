/* The system level's helpers: helpers_control.def says what each does. */
#ifndef MOSS_TARGET_I386_HELPERS_CONTROL_H
#define MOSS_TARGET_I386_HELPERS_CONTROL_H

#include "target/vcpu.h"

void x86_h_insn_done(struct vcpu *v, u64 pc, u64 how);
void x86_h_break_check(struct vcpu *v, u64 pc);
void x86_h_code_check(struct vcpu *v, u64 pc, u64 len);
void x86_h_jump_check(struct vcpu *v, u64 ip);
void x86_h_jmp_far(struct vcpu *v, u64 sel, u64 ip, u64 n, u64 next);
void x86_h_call_far(struct vcpu *v, u64 sel, u64 ip, u64 n, u64 next);
void x86_h_ret_far(struct vcpu *v, u64 n, u64 drop);
void x86_h_iret(struct vcpu *v, u64 n, u64 next);
void x86_h_sysret(struct vcpu *v, u64 n);
void x86_h_sysexit(struct vcpu *v, u64 n);
void x86_h_rsm(struct vcpu *v);
u64 x86_h_lar(struct vcpu *v, u64 sel, u64 old);
u64 x86_h_lsl(struct vcpu *v, u64 sel, u64 old);
void x86_h_verify(struct vcpu *v, u64 sel, u64 write);
void x86_h_bound(struct vcpu *v, u64 i, u64 low, u64 high);
void x86_h_lldt(struct vcpu *v, u64 sel);
void x86_h_ltr(struct vcpu *v, u64 sel);
u64 x86_h_table_base(struct vcpu *v, u64 idt);
u64 x86_h_table_limit(struct vcpu *v, u64 idt);
void x86_h_table_load(struct vcpu *v, u64 idt, u64 base, u64 limit);
u64 x86_h_cr_read(struct vcpu *v, u64 n);
void x86_h_cr_write(struct vcpu *v, u64 n, u64 val);
void x86_h_lmsw(struct vcpu *v, u64 val);
void x86_h_clts(struct vcpu *v);
u64 x86_h_dr_read(struct vcpu *v, u64 n);
void x86_h_dr_write(struct vcpu *v, u64 n, u64 val);
void x86_h_xsetbv(struct vcpu *v, u64 n, u64 val);
u64 x86_h_pkru_read(struct vcpu *v, u64 ecx);
void x86_h_pkru_write(struct vcpu *v, u64 eax, u64 ecx, u64 edx);
u64 x86_h_msr_read(struct vcpu *v, u64 number);
void x86_h_msr_write(struct vcpu *v, u64 number, u64 val);
u64 x86_h_in(struct vcpu *v, u64 port, u64 n);
void x86_h_out(struct vcpu *v, u64 port, u64 n, u64 val);
u64 x86_h_io_string(struct vcpu *v, u64 word);
void x86_h_sti(struct vcpu *v);
u64 x86_h_sti_waits(struct vcpu *v);
void x86_h_mode_look(struct vcpu *v);
void x86_h_hlt(struct vcpu *v);
void x86_h_monitor(struct vcpu *v, u64 ecx);
void x86_h_mwait(struct vcpu *v, u64 ecx);
void x86_h_invlpg(struct vcpu *v, u64 va);
void x86_h_invpcid(struct vcpu *v, u64 type, u64 desc);

#endif
