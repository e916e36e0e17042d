package io.github.vlm4j.backend.cpu.emitted;

import java.util.Arrays;

/**
 * Writes x86-64 instructions, those that the kernels need. Operands come in the order of Intel's
 * manual, the destination first. General-purpose registers have 64 bits unless a method's name says
 * otherwise.
 */
final class Assembler {

  private byte[] code = new byte[1024];
  private int size;
  private int unresolved;

  /**
   * Returns the code so far.
   *
   * @throws IllegalStateException if a jump leads to a label that was not placed
   */
  byte[] code() {
    if (unresolved != 0) {
      throw new IllegalStateException(unresolved + " jumps lead nowhere");
    }
    return Arrays.copyOf(code, size);
  }

  /** Returns where the next instruction begins. */
  int position() {
    return size;
  }

  /** Fills up to a multiple of 64 bytes with breakpoints, between two functions. */
  void align() {
    while (size % 64 != 0) {
      put(0xcc);
    }
  }

  // Jumps.

  /** Places a label here. */
  void place(Label label) {
    label.place(size);
    for (int at : label.waiting) {
      putDistance(at, size);
      unresolved--;
    }
  }

  /** Jumps. */
  void jump(Label to) {
    put(0xe9);
    distance(to);
  }

  /** Jumps if the flags say so. */
  void jump(Condition condition, Label to) {
    put(0x0f);
    put(0x80 | condition.code);
    distance(to);
  }

  /** Calls a function of the same code. */
  void call(Label to) {
    put(0xe8);
    distance(to);
  }

  private void distance(Label to) {
    int at = size;
    put32(0);
    if (to.isPlaced()) {
      putDistance(at, to.position());
    } else {
      to.waiting.add(at);
      unresolved++;
    }
  }

  private void putDistance(int at, int to) {
    int distance = to - (at + Integer.BYTES);
    for (int i = 0; i < Integer.BYTES; i++) {
      code[at + i] = (byte) (distance >> 8 * i);
    }
  }

  /** Returns from the function. */
  void ret() {
    put(0xc3);
  }

  // General-purpose registers.

  /** Moves a register. */
  void mov(Gpr to, Gpr from) {
    registers(0x89, from, to);
  }

  /** Loads eight bytes. */
  void mov(Gpr to, Mem from) {
    memory(1, to, from, 0x8b);
  }

  /** Stores eight bytes. */
  void mov(Mem to, Gpr from) {
    memory(1, from, to, 0x89);
  }

  /** Stores the lower four bytes. */
  void mov32(Mem to, Gpr from) {
    memory(0, from, to, 0x89);
  }

  /** Sets a register. */
  void mov(Gpr to, long value) {
    boolean small = value >>> 32 == 0;
    rex(small ? 0 : 1, 0, 0, to.ordinal());
    put(0xb8 | to.ordinal() & 7);
    put32((int) value);
    if (!small) {
      put32((int) (value >>> 32));
    }
  }

  /** Loads four bytes and extends their sign. */
  void movsxd(Gpr to, Mem from) {
    memory(1, to, from, 0x63);
  }

  /** Loads two bytes, zeros above. */
  void movzx16(Gpr to, Mem from) {
    int index = from.index() == null ? 0 : from.index().ordinal();
    rex(0, to.ordinal(), index, from.base().ordinal());
    put(0x0f);
    put(0xb7);
    modMemory(to.ordinal(), from, 1);
  }

  /** Computes an address. */
  void lea(Gpr to, Mem address) {
    memory(1, to, address, 0x8d);
  }

  /** Asks for a line of memory to be brought into the caches. */
  void prefetch(Mem from) {
    prefetch(0x18, from);
  }

  /** Asks for a line of memory to be brought into the caches of this core alone. */
  void prefetchToWrite(Mem to) {
    prefetch(0x0d, to);
  }

  private void prefetch(int operation, Mem line) {
    int index = line.index() == null ? 0 : line.index().ordinal();
    rex(0, 0, index, line.base().ordinal());
    put(0x0f);
    put(operation);
    modMemory(1, line, 1);
  }

  void add(Gpr to, Gpr other) {
    registers(0x01, other, to);
  }

  void add(Gpr to, int value) {
    constant(0, to, value);
  }

  void and(Gpr to, int value) {
    constant(4, to, value);
  }

  void sub(Gpr to, int value) {
    constant(5, to, value);
  }

  void cmp(Gpr to, int value) {
    constant(7, to, value);
  }

  /** Sets the flags as {@link #and} would. */
  void test(Gpr register, int value) {
    rex(1, 0, 0, register.ordinal());
    put(0xf7);
    modRegister(0, register.ordinal());
    put32(value);
  }

  /** Shifts left. */
  void shl(Gpr to, int bits) {
    shift(4, to, bits);
  }

  /** Shifts right, zeros coming in. */
  void shr(Gpr to, int bits) {
    shift(5, to, bits);
  }

  private void shift(int operation, Gpr to, int bits) {
    rex(1, 0, 0, to.ordinal());
    put(bits == 1 ? 0xd1 : 0xc1);
    modRegister(operation, to.ordinal());
    if (bits != 1) {
      put(bits);
    }
  }

  void neg(Gpr to) {
    rex(1, 0, 0, to.ordinal());
    put(0xf7);
    modRegister(3, to.ordinal());
  }

  void push(Gpr from) {
    rex(0, 0, 0, from.ordinal());
    put(0x50 | from.ordinal() & 7);
  }

  void pop(Gpr to) {
    rex(0, 0, 0, to.ordinal());
    put(0x58 | to.ordinal() & 7);
  }

  /** Asks the processor about itself: the question in eax and ecx, the answer in eax to edx. */
  void cpuid() {
    put(0x0f);
    put(0xa2);
  }

  /** Reads which registers the operating system saves: into edx and eax, for ecx = 0. */
  void xgetbv() {
    put(0x0f);
    put(0x01);
    put(0xd0);
  }

  private void registers(int opcode, Gpr reg, Gpr rm) {
    rex(1, reg.ordinal(), 0, rm.ordinal());
    put(opcode);
    modRegister(reg.ordinal(), rm.ordinal());
  }

  private void constant(int operation, Gpr to, int value) {
    rex(1, 0, 0, to.ordinal());
    boolean small = value == (byte) value;
    put(small ? 0x83 : 0x81);
    modRegister(operation, to.ordinal());
    if (small) {
      put(value);
    } else {
      put32(value);
    }
  }

  private void memory(int w, Gpr reg, Mem mem, int opcode) {
    int index = mem.index() == null ? 0 : mem.index().ordinal();
    rex(w, reg.ordinal(), index, mem.base().ordinal());
    put(opcode);
    modMemory(reg.ordinal(), mem, 1);
  }

  private void rex(int w, int reg, int index, int base) {
    int rex = 0x40 | w << 3 | (reg >> 3) << 2 | (index >> 3) << 1 | base >> 3;
    if (rex != 0x40) {
      put(rex);
    }
  }

  // Masks and vectors.

  /** Sets how vectors round and what they do with numbers too small for a normal one. */
  void ldmxcsr(Mem from) {
    control(2, from);
  }

  /** Stores what {@link #ldmxcsr} sets. */
  void stmxcsr(Mem to) {
    control(3, to);
  }

  private void control(int operation, Mem mem) {
    rex(0, 0, 0, mem.base().ordinal());
    put(0x0f);
    put(0xae);
    modMemory(operation, mem, 1);
  }

  /** Sets a mask of up to 64 lanes. */
  void kmovq(Mask to, Gpr from) {
    put(0xc4);
    put(0xe1 & ~((from.ordinal() >> 3) << 5));
    put(0xfb);
    put(0x92);
    modRegister(to.number(), from.ordinal());
  }

  /** Ends the use of vectors that are wider than 128 bits. */
  void vzeroupper() {
    put(0xc5);
    put(0xf8);
    put(0x77);
  }

  /** An instruction of two registers, which is the form of conversions and broadcasts. */
  void op(Evex op, Zmm first, Zmm second) {
    vectors(op, first.number(), 0, second.number());
  }

  /** An instruction of two registers and a constant. */
  void op(Evex op, Zmm first, Zmm second, int constant) {
    vectors(op, first.number(), 0, second.number());
    put(constant);
  }

  /** Sets all lanes to the lower four bytes of a general-purpose register. */
  void broadcast(Zmm to, Gpr from) {
    vectors(Evex.VPBROADCASTD_GPR, to.number(), 0, from.ordinal());
  }

  /** An instruction of three registers. */
  void op(Evex op, Zmm first, Zmm second, Zmm third) {
    vectors(op, first.number(), second.number(), third.number());
  }

  /** A shuffle, which a constant describes. */
  void op(Evex op, Zmm first, Zmm second, Zmm third, int constant) {
    vectors(op, first.number(), second.number(), third.number());
    put(constant);
  }

  /** An instruction of three registers, zeros in the lanes that are not in the mask. */
  void op(Evex op, Zmm first, Zmm second, Zmm third, Mask mask) {
    int last = op.length << 5 | 0x80 | mask.number();
    vectors(op, first.number(), second.number(), third.number(), last);
  }

  /** A comparison, which a constant describes. */
  void op(Evex op, Mask first, Zmm second, Zmm third, int constant) {
    vectors(op, first.number(), second.number(), third.number());
    put(constant);
  }

  /** A shift by a constant. */
  void shift(Evex op, Zmm to, Zmm from, int bits) {
    vectors(op, op.extension, to.number(), from.number());
    put(bits);
  }

  /** A load, or a store of the register given first. */
  void op(Evex op, Zmm first, Mem second) {
    op(op, first, second, Mask.ALL);
  }

  /** A load of some lanes, zeros in the others, or a store of some. */
  void op(Evex op, Zmm first, Mem second, Mask mask) {
    boolean store = op.name().endsWith("_STORE");
    memory(op, first.number(), 0, second, mask.number(), !store && mask.number() != 0, false);
  }

  /** An instruction whose third operand is in memory. */
  void op(Evex op, Zmm first, Zmm second, Mem third) {
    memory(op, first.number(), second.number(), third, 0, false, false);
  }

  /** The same with a constant. */
  void op(Evex op, Zmm first, Zmm second, Mem third, int constant) {
    op(op, first, second, third);
    put(constant);
  }

  /** An instruction whose third operand is one element of four bytes, the same in all lanes. */
  void broadcast(Evex op, Zmm first, Zmm second, Mem third) {
    memory(op, first.number(), second.number(), third, 0, false, true);
  }

  /** An instruction of AVX2 of two registers, which is the form of conversions and broadcasts. */
  void op(Vex op, Zmm first, Zmm second) {
    vectors(op, first.number(), 0, second.number());
  }

  /** A shuffle of AVX2 of one register, which a constant describes. */
  void op(Vex op, Zmm first, Zmm second, int constant) {
    vectors(op, first.number(), 0, second.number());
    put(constant);
  }

  /** An instruction of AVX2 of three registers. */
  void op(Vex op, Zmm first, Zmm second, Zmm third) {
    vectors(op, first.number(), second.number(), third.number());
  }

  /** A shuffle of AVX2 of two registers, which a constant describes. */
  void op(Vex op, Zmm first, Zmm second, Zmm third, int constant) {
    vectors(op, first.number(), second.number(), third.number());
    put(constant);
  }

  /** A shift of AVX2 by a constant. */
  void shift(Vex op, Zmm to, Zmm from, int bits) {
    vectors(op, op.extension, to.number(), from.number());
    put(bits);
  }

  /** A load of AVX2, or a store of the register given first. */
  void op(Vex op, Zmm first, Mem second) {
    memory(op, first.number(), 0, second);
  }

  /** An instruction of AVX2 whose third operand is in memory. */
  void op(Vex op, Zmm first, Zmm second, Mem third) {
    memory(op, first.number(), second.number(), third);
  }

  /** An instruction of AVX2 whose third operand is in memory, with a constant. */
  void op(Vex op, Zmm first, Zmm second, Mem third, int constant) {
    memory(op, first.number(), second.number(), third);
    put(constant);
  }

  /** Sets all lanes of 256 bits to the lower four bytes of a general-purpose register. */
  void broadcast256(Zmm to, Gpr from) {
    vectors(Vex.VMOVD, to.number(), 0, from.ordinal());
    op(Vex.VPBROADCASTD, to, to);
  }

  /** Sets 128 bits to two general-purpose registers. */
  void pair(Zmm to, Gpr lower, Gpr upper) {
    vectors(Vex.VMOVQ, to.number(), 0, lower.ordinal());
    vectors(Vex.VPINSRQ, to.number(), to.number(), upper.ordinal());
    put(1);
  }

  // Tiles.

  /** Says how many rows and bytes each tile has. */
  void configureTiles(Mem from) {
    memory(Vex.LDTILECFG, 0, 0, from);
  }

  /** Ends the use of tiles. */
  void releaseTiles() {
    vectors(Vex.LDTILECFG, 0, 0, 0);
  }

  /** A load or a store of a tile whose rows lie as far apart as the index says, times its scale. */
  void op(Vex op, Tmm tile, Mem rows) {
    if (rows.index() == null) {
      throw new IllegalArgumentException(op + " needs a register with the distance of rows");
    }
    memory(op, tile.number(), 0, rows);
  }

  /** Sets a tile to zeros. */
  void clear(Tmm tile) {
    vectors(Vex.TILEZERO, tile.number(), 0, 0);
  }

  /** A product of two tiles that is added to the first. */
  void op(Vex op, Tmm sums, Tmm rows, Tmm columns) {
    vectors(op, sums.number(), columns.number(), rows.number());
  }

  private void vectors(Vex op, int reg, int second, int rm) {
    vex(op, reg, second, 0, rm >> 3);
    modRegister(reg, rm);
  }

  private void memory(Vex op, int reg, int second, Mem mem) {
    int index = mem.index() == null ? 0 : mem.index().ordinal();
    vex(op, reg, second, index >> 3, mem.base().ordinal() >> 3);
    modMemory(reg, mem, 1);
  }

  /**
   * Writes the prefix, of two bytes where that is possible, in which register bits are stored
   * inverted, and the opcode.
   */
  private void vex(Vex op, int reg, int second, int x, int b) {
    if (reg > 15 || second > 15 || b > 1) {
      throw new IllegalArgumentException(op + " knows the first 16 vector registers only");
    }
    int last = (~second & 15) << 3 | op.length << 2 | op.prefix;
    if (op.map == 1 && op.w == 0 && x == 0 && b == 0) {
      put(0xc5);
      put((~(reg >> 3) & 1) << 7 | last);
    } else {
      put(0xc4);
      put((~(reg >> 3) & 1) << 7 | (~x & 1) << 6 | (~b & 1) << 5 | op.map);
      put(op.w << 7 | last);
    }
    put(op.opcode);
  }

  private void vectors(Evex op, int reg, int second, int rm) {
    vectors(op, reg, second, rm, op.length << 5);
  }

  private void vectors(Evex op, int reg, int second, int rm, int last) {
    evex(op, reg, second, rm >> 4, rm >> 3 & 1, last);
    modRegister(reg, rm);
  }

  private void memory(
      Evex op, int reg, int second, Mem mem, int mask, boolean zeroing, boolean broadcast) {
    int index = mem.index() == null ? 0 : mem.index().ordinal();
    int last = op.length << 5 | (zeroing ? 0x80 : 0) | (broadcast ? 0x10 : 0) | mask;
    evex(op, reg, second, index >> 3, mem.base().ordinal() >> 3, last);
    modMemory(reg, mem, broadcast ? Float.BYTES : op.memoryBytes);
  }

  /**
   * Writes the prefix of four bytes, in which register bits are stored inverted, and the opcode.
   */
  private void evex(Evex op, int reg, int second, int x, int b, int last) {
    put(0x62);
    put((~(reg >> 3) & 1) << 7 | (~x & 1) << 6 | (~b & 1) << 5 | (~(reg >> 4) & 1) << 4 | op.map);
    put(op.w << 7 | (~second & 15) << 3 | 4 | op.prefix);
    put(last | (~(second >> 4) & 1) << 3);
    put(op.opcode);
  }

  // Operands.

  private void modRegister(int reg, int rm) {
    put(0xc0 | (reg & 7) << 3 | rm & 7);
  }

  /**
   * Writes the operand in memory.
   *
   * @param unit what short displacements count in
   */
  private void modMemory(int reg, Mem mem, int unit) {
    int base = mem.base().ordinal() & 7;
    int bytes = mem.bytes();
    boolean none = bytes == 0 && base != Gpr.RBP.ordinal();
    boolean small = bytes % unit == 0 && bytes / unit == (byte) (bytes / unit);
    int mod = none ? 0 : small ? 1 : 2;
    boolean indexed = mem.index() != null || base == Gpr.RSP.ordinal();
    put(mod << 6 | (reg & 7) << 3 | (indexed ? 4 : base));
    if (indexed) {
      int index = mem.index() == null ? 4 : mem.index().ordinal() & 7;
      put(Integer.numberOfTrailingZeros(mem.scale()) << 6 | index << 3 | base);
    }
    if (mod == 1) {
      put(bytes / unit);
    } else if (mod == 2) {
      put32(bytes);
    }
  }

  private void put32(int value) {
    for (int i = 0; i < Integer.BYTES; i++) {
      put(value >> 8 * i);
    }
  }

  private void put(int value) {
    if (size == code.length) {
      code = Arrays.copyOf(code, 2 * size);
    }
    code[size++] = (byte) value;
  }
}
