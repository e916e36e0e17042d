package io.github.vlm4j.models;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ContainerNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;

/** Ways to spoil the files of a model folder. */
final class Mutations {

  private static final ObjectMapper JSON = new ObjectMapper();

  /** What sizes, indexes, divisors and names are replaced with. */
  private static final List<String> VALUES =
      List.of(
          "0",
          "-1",
          "1",
          "2",
          "3",
          "7",
          "64",
          "65536",
          "1000000",
          "16777216",
          "2147483647",
          "2147483648",
          "-2147483648",
          "9223372036854775807",
          "18446744073709551616",
          "1e308",
          "1e400",
          "1e-320",
          "-0.0",
          "0.5",
          "1e9",
          "true",
          "false",
          "null",
          "\"\"",
          "\"x\"",
          "\"<|im_start|>\"",
          "\"../../etc\"",
          "[]",
          "{}",
          "[0]",
          "[2147483647, -1]",
          "[[[[[[[[]]]]]]]]",
          "[1, 1, 1]",
          "[1e308, 1e308, 1e308]");

  private Mutations() {}

  /** Replaces or removes a field or an entry anywhere in a document and says which. */
  static String change(ObjectNode root, SplittableRandom random) throws IOException {
    List<ContainerNode<?>> containers = new ArrayList<>();
    collect(root, containers);
    ContainerNode<?> container = containers.get(random.nextInt(containers.size()));
    JsonNode value = JSON.readTree(VALUES.get(random.nextInt(VALUES.size())));
    if (container instanceof ArrayNode array) {
      int at = random.nextInt(array.size());
      array.set(at, value);
      return "[" + at + "]=" + value;
    }
    ObjectNode object = (ObjectNode) container;
    List<String> names = new ArrayList<>();
    object.fieldNames().forEachRemaining(names::add);
    String name = names.get(random.nextInt(names.size()));
    if (random.nextInt(8) == 0) {
      object.remove(name);
      return "no " + name;
    }
    object.set(name, value);
    return name + "=" + value;
  }

  private static void collect(JsonNode node, List<ContainerNode<?>> containers) {
    if (node instanceof ContainerNode<?> container && !container.isEmpty()) {
      containers.add(container);
    }
    node.forEach(child -> collect(child, containers));
  }

  /** Flips, removes, repeats or cuts off bytes, a few times. */
  static byte[] damaged(byte[] original, SplittableRandom random) {
    byte[] bytes = original.clone();
    for (int damage = 0; damage <= random.nextInt(4); damage++) {
      int at = random.nextInt(bytes.length);
      int length = Math.min(1 + random.nextInt(16), bytes.length - at);
      switch (random.nextInt(5)) {
        case 0 -> bytes[at] ^= (byte) (1 << random.nextInt(8));
        case 1 -> bytes[at] = (byte) "0123456789-{}[],:\"e.".charAt(random.nextInt(20));
        case 2 -> bytes = without(bytes, at, length);
        case 3 -> bytes = repeated(bytes, at, length);
        default -> bytes = random.nextInt(10) == 0 ? Arrays.copyOf(bytes, at + 1) : bytes;
      }
    }
    return bytes;
  }

  private static byte[] without(byte[] bytes, int at, int length) {
    byte[] shorter = new byte[Math.max(1, bytes.length - length)];
    System.arraycopy(bytes, 0, shorter, 0, Math.min(at, shorter.length));
    System.arraycopy(
        bytes, at + length, shorter, Math.min(at, shorter.length), bytes.length - at - length);
    return shorter;
  }

  private static byte[] repeated(byte[] bytes, int at, int length) {
    byte[] longer = new byte[bytes.length + length];
    System.arraycopy(bytes, 0, longer, 0, at + length);
    System.arraycopy(bytes, at, longer, at + length, bytes.length - at);
    return longer;
  }
}
