package io.github.vlm4j.core.checkpoint;

import io.github.vlm4j.core.CheckpointException;
import io.github.vlm4j.core.checkpoint.PickleValue.Constant;
import io.github.vlm4j.core.checkpoint.PickleValue.Instance;
import io.github.vlm4j.core.checkpoint.PickleValue.Mapping;
import io.github.vlm4j.core.checkpoint.PickleValue.Opaque;
import io.github.vlm4j.core.checkpoint.PickleValue.Real;
import io.github.vlm4j.core.checkpoint.PickleValue.Sequence;
import io.github.vlm4j.core.checkpoint.PickleValue.Text;
import io.github.vlm4j.core.checkpoint.PickleValue.Whole;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Reads a pickle of protocol 2 to 5 as data. It knows the opcodes that Python's and libtorch's
 * picklers write for state dicts and for what training checkpoints hold beside them, and no others;
 * it looks up no class and calls nothing, see {@link PickleGlobals}.
 *
 * <p>Time and memory are bounded by the number of opcodes and of values; no step takes time in
 * proportion to a value that was made before.
 *
 * @see <a href="https://github.com/python/cpython/blob/3.13/Lib/pickletools.py">The opcodes</a>
 */
final class PickleMachine {

  private static final int MAX_OPCODES = 1 << 24;

  /** A tensor takes some 18, so that there is room for 100,000; 200 bytes of heap at most each. */
  private static final int MAX_VALUES = 1 << 21;

  private static final int MAX_STACK = 1 << 20;
  private static final int MAX_MARKS = 1000;

  private final PickleBytes in;
  private final PickleCalls calls;
  private final ArrayList<PickleValue> stack = new ArrayList<>();
  private int[] marks = new int[16];
  private int depth;
  private @Nullable PickleValue[] memo = new @Nullable PickleValue[64];
  private int memoized;
  private int values;

  private PickleMachine(String file, byte[] bytes) {
    this.in = new PickleBytes(file, bytes);
    this.calls = new PickleCalls(in, this::count);
  }

  /**
   * Reads a pickle.
   *
   * @param file what it is called in error messages, as {@code model.pt: data.pkl}
   * @throws CheckpointException if it is malformed, exceeds a bound, or asks for anything that
   *     weights do not consist of
   */
  static PickleValue read(String file, byte[] bytes) {
    return new PickleMachine(file, bytes).run();
  }

  private PickleValue run() {
    if (in.remaining() < 2 || opcode() != PickleOpcode.PROTO) {
      throw in.refused("does not begin as a pickle of protocol 2 or later does");
    }
    protocol();
    for (int count = 0; count < MAX_OPCODES; count++) {
      PickleOpcode opcode = opcode();
      if (opcode == PickleOpcode.STOP) {
        return result();
      }
      step(opcode);
    }
    throw in.refused("has more than " + MAX_OPCODES + " opcodes");
  }

  private PickleOpcode opcode() {
    if (in.remaining() == 0) {
      throw in.refused("ends without STOP; it is truncated");
    }
    int code = in.u8();
    PickleOpcode opcode = PickleOpcode.of(code);
    if (opcode == null) {
      throw in.refused("has the byte 0x%02x, which is no opcode".formatted(code));
    }
    return opcode;
  }

  private void protocol() {
    int protocol = in.u8();
    if (protocol < 2 || protocol > 5) {
      throw in.refused("has pickle protocol " + protocol + ", but 2 to 5 are read");
    }
  }

  private PickleValue result() {
    PickleValue result = pop();
    if (depth > 0 || !stack.isEmpty() || in.remaining() > 0) {
      throw in.refused("goes on after its end or leaves values behind; it is damaged");
    }
    return result;
  }

  private void step(PickleOpcode opcode) {
    switch (opcode) {
      case FRAME -> in.need(in.i64());
      case MARK -> mark();
      case NONE -> push(Constant.NONE);
      case NEWTRUE -> push(Constant.TRUE);
      case NEWFALSE -> push(Constant.FALSE);
      case BININT -> pushNew(new Whole(in.i32()));
      case BININT1 -> pushNew(new Whole(in.u8()));
      case BININT2 -> pushNew(new Whole(in.u16()));
      case LONG1 -> integer(in.u8());
      case LONG4 -> integer(in.i32());
      case BINFLOAT -> pushNew(new Real(in.bigEndianDouble()));
      case SHORT_BINUNICODE -> text(in.u8());
      case BINUNICODE -> text(in.u32());
      case BINUNICODE8 -> text(in.i64());
      // What Python 2 wrote for names.
      case SHORT_BINSTRING -> pushNew(new Text(in.text(in.u8(), StandardCharsets.US_ASCII)));
      case BINSTRING -> pushNew(new Text(in.text(in.i32(), StandardCharsets.US_ASCII)));
      case SHORT_BINBYTES -> bytes(in.u8());
      case BINBYTES -> bytes(in.u32());
      case BINBYTES8, BYTEARRAY8 -> bytes(in.i64());
      case EMPTY_TUPLE -> tuple(0);
      case TUPLE1 -> tuple(1);
      case TUPLE2 -> tuple(2);
      case TUPLE3 -> tuple(3);
      case TUPLE -> pushNew(Sequence.tuple(popToMark()));
      case EMPTY_LIST -> pushNew(Sequence.list());
      case EMPTY_DICT -> pushNew(new Mapping());
      case EMPTY_SET -> pushNew(new Opaque("set"));
      case FROZENSET -> {
        popToMark();
        pushNew(new Opaque("frozenset"));
      }
      case APPEND -> append(List.of(pop()));
      case APPENDS -> append(popToMark());
      case ADDITEMS -> addItems(popToMark());
      case SETITEM -> {
        PickleValue value = pop();
        setItems(List.of(pop(), value));
      }
      case SETITEMS -> setItems(popToMark());
      case BINPUT -> put(in.u8());
      case LONG_BINPUT -> put(in.u32());
      case MEMOIZE -> put(memoized);
      case BINGET -> get(in.u8());
      case LONG_BINGET -> get(in.u32());
      case GLOBAL -> pushNew(calls.global(in.line(), in.line()));
      case STACK_GLOBAL -> stackGlobal();
      case REDUCE -> {
        Sequence arguments = arguments(pop());
        pushNew(calls.reduce(pop(), arguments.elements()));
      }
      case NEWOBJ -> {
        Sequence arguments = arguments(pop());
        pushNew(calls.newObject(pop(), arguments.elements()));
      }
      case BUILD -> build();
      case BINPERSID -> pushNew(calls.storage(pop()));
      case INST -> throw calls.asksFor("the Python object", in.line() + "." + in.line());
      case EXT1, EXT2, EXT4 ->
          throw calls.asksFor(
              "the object that is registered in copyreg under",
              String.valueOf(
                  switch (opcode) {
                    case EXT1 -> in.u8();
                    case EXT2 -> in.u16();
                    default -> in.i32();
                  }));
      case PERSID -> throw calls.asksFor("the persistent object", in.line());
      default -> throw calls.asksFor("the opcode", opcode.name());
    }
  }

  private void integer(int length) {
    Long value = in.integer(length);
    pushNew(value == null ? new Opaque("int of more than 64 bits") : new Whole(value));
  }

  private void text(long length) {
    pushNew(new Text(in.text(length, StandardCharsets.UTF_8)));
  }

  private void bytes(long length) {
    in.skip(length);
    pushNew(new Opaque("bytes"));
  }

  private void tuple(int size) {
    PickleValue[] elements = new PickleValue[size];
    for (int i = size - 1; i >= 0; i--) {
      elements[i] = pop();
    }
    pushNew(Sequence.tuple(Arrays.asList(elements)));
  }

  private void append(List<PickleValue> added) {
    if (!(top() instanceof Sequence list) || list.isTuple()) {
      throw in.refused("appends to " + top().what());
    }
    list.elements().addAll(added);
  }

  private void addItems(List<PickleValue> added) {
    if (!(top() instanceof Opaque)) {
      throw in.refused("adds " + added.size() + " elements to " + top().what());
    }
  }

  private void setItems(List<PickleValue> items) {
    if (!(top() instanceof Mapping mapping)) {
      throw in.refused("sets an item of " + top().what());
    }
    if (items.size() % 2 != 0) {
      throw in.refused("sets an item without a value");
    }
    for (int i = 0; i < items.size(); i += 2) {
      calls.add(mapping, items.get(i), items.get(i + 1));
    }
  }

  private void stackGlobal() {
    PickleValue name = pop();
    PickleValue module = pop();
    if (!(name instanceof Text nameText) || !(module instanceof Text moduleText)) {
      throw in.refused("names a Python object by " + module.what() + " and " + name.what());
    }
    pushNew(calls.global(moduleText.value(), nameText.value()));
  }

  private Sequence arguments(PickleValue value) {
    if (value instanceof Sequence sequence && sequence.isTuple()) {
      return sequence;
    }
    throw in.refused("passes " + value.what() + " as the arguments of a call");
  }

  private void build() {
    PickleValue state = pop();
    switch (top()) {
      case Instance instance when state instanceof Mapping mapping -> {
        if (!instance.build(mapping)) {
          throw in.refused("builds " + instance.what() + " twice");
        }
      }
      // The version numbers of modules, and the insides of what is not needed.
      case Mapping _, Opaque _ -> {}
      default -> throw in.refused("sets the state of " + top().what() + " to " + state.what());
    }
  }

  private void mark() {
    if (depth == MAX_MARKS) {
      throw in.refused("is nested more than " + MAX_MARKS + " deep");
    }
    if (depth == marks.length) {
      marks = Arrays.copyOf(marks, 2 * depth);
    }
    marks[depth++] = stack.size();
  }

  private List<PickleValue> popToMark() {
    if (depth == 0) {
      throw in.refused("ends a group that it did not begin");
    }
    List<PickleValue> above = stack.subList(marks[--depth], stack.size());
    List<PickleValue> popped = List.copyOf(above);
    above.clear();
    return popped;
  }

  private PickleValue pop() {
    PickleValue top = top();
    stack.removeLast();
    return top;
  }

  private PickleValue top() {
    if (stack.size() == (depth == 0 ? 0 : marks[depth - 1])) {
      throw in.refused("takes a value from an empty stack");
    }
    return stack.getLast();
  }

  private void pushNew(PickleValue value) {
    count(1);
    push(value);
  }

  private void push(PickleValue value) {
    if (stack.size() == MAX_STACK) {
      throw in.refused("puts more than " + MAX_STACK + " values on the stack");
    }
    stack.add(value);
  }

  private void count(int made) {
    values = Math.addExact(values, made);
    if (values > MAX_VALUES) {
      throw in.refused("makes more than " + MAX_VALUES + " values");
    }
  }

  private void put(long index) {
    if (index < 0 || index >= MAX_VALUES) {
      throw in.refused(
          "remembers a value under number "
              + index
              + ", but fewer than "
              + MAX_VALUES
              + " are kept");
    }
    int slot = (int) index;
    if (slot >= memo.length) {
      memo = Arrays.copyOf(memo, Math.min(MAX_VALUES, Math.max(slot + 1, 2 * memo.length)));
    }
    memoized += memo[slot] == null ? 1 : 0;
    memo[slot] = top();
  }

  private void get(long index) {
    PickleValue value = index < memo.length ? memo[(int) index] : null;
    if (value == null) {
      throw in.refused("recalls value " + index + ", which it did not remember");
    }
    push(value);
  }
}
