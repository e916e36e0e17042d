package io.github.vlm4j.core.checkpoint;

import static io.github.vlm4j.core.checkpoint.SafetensorsBytes.f32;
import static io.github.vlm4j.core.checkpoint.SafetensorsBytes.json;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import io.github.vlm4j.core.CheckpointException;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Shape;
import io.github.vlm4j.core.tensor.Tensor;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class SafetensorsFileTest {

  @TempDir Path folder;

  @Test
  void readsWhatTheReferenceLibraryWrote() throws IOException {
    Path path = SafetensorsBytes.fixture("types.safetensors", folder);
    try (SafetensorsFile file = SafetensorsFile.open(path)) {
      assertThat(file.path()).isEqualTo(path);
      assertThat(file.metadata()).isEqualTo(Map.of("note", "é"));
      assertThat(file.names()).hasSize(13).startsWith("i64").contains("名前 \"quoted\"");
      assertThat(file.totalBytes())
          .isEqualTo(24 + 10 + 12 + 7 + 16 + 24 + 4 + 0 + 16 + 3 + 3 + 4 + 4);

      assertThat(file.tensor("f32").toFloats()).containsExactly(-1, -0.5f, 0, 0.5f, 1, 1.5f);
      assertThat(file.shape("f32")).isEqualTo(Shape.of(2, 3));
      assertThat(file.tensor("f16").toFloats()).containsExactly(-1, -0.5f, 0, 0.5f, 1);
      assertThat(file.tensor("bf16").toFloats()).containsExactly(-1, -0.5f, 0, 0.5f, 1, 1.5f);
      assertThat(file.shape("bf16")).isEqualTo(Shape.of(3, 1, 2));
      assertThat(file.tensor("i8").data().toArray(ValueLayout.JAVA_BYTE))
          .containsExactly(-1, 0, 1, 2, 3, 4, 5);
      assertThat(file.tensor("i32").toInts()).containsExactly(-1, 0, 1, 2);
      assertThat(file.tensor("i64").data().get(Tensor.I64, 16)).isEqualTo(1);
      assertThat(file.tensor("scalar").toFloats()).containsExactly(2.5f);
      assertThat(file.shape("scalar").rank()).isZero();
      assertThat(file.tensor("empty").toFloats()).isEmpty();
      assertThat(file.shape("empty")).isEqualTo(Shape.of(0, 4));
      assertThat(file.dtype("bf16")).isEqualTo(DType.BF16);
      assertThat(file.bytes("bf16")).isEqualTo(12);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"f64", "u8", "bool", "f8_e4m3"})
  void listsTensorsOfUnsupportedTypesButRefusesToViewThem(String name) throws IOException {
    try (SafetensorsFile file =
        SafetensorsFile.open(SafetensorsBytes.fixture("types.safetensors", folder))) {
      assertThat(file.contains(name)).isTrue();
      assertThat(file.storedType(name)).isEqualToIgnoringCase(name);
      assertThat(file.shape(name).rank()).isEqualTo(1);
      assertThatExceptionOfType(CheckpointException.class)
          .isThrownBy(() -> file.tensor(name))
          .withMessage(
              "types.safetensors: tensor \"%s\" is %s%s, a type that is not supported; supported"
                  + " are I8, F16, BF16, I32, F32, I64",
              name, file.storedType(name), file.shape(name));
    }
  }

  @Test
  void readsAFileWithoutTensors() throws IOException {
    try (SafetensorsFile file =
        SafetensorsFile.open(SafetensorsBytes.fixture("nothing.safetensors", folder))) {
      assertThat(file.names()).isEmpty();
      assertThat(file.totalBytes()).isZero();
    }
  }

  @Test
  void tensorsAreReadOnlyViewsOfTheMappingAtAnyAlignment() throws IOException {
    Path path = write(SafetensorsBytes.of("{" + f32("a", 0, 2) + "} ", 8));
    try (SafetensorsFile file = SafetensorsFile.open(path)) {
      Tensor tensor = file.tensor("a");
      assertThat(tensor.data().isMapped()).isTrue();
      assertThat(tensor.data().isReadOnly()).isTrue();
      assertThat(tensor.data().address() % 4).isNotZero();
      assertThat(tensor.toFloats()).containsExactly(0, 0);
    }
  }

  @Test
  void ordersTensorsByTheirBytesWhateverTheHeadersOrder() throws IOException {
    Path path = write(SafetensorsBytes.of("{" + f32("b", 4, 1) + "," + f32("a", 0, 1) + "}", 8));
    try (SafetensorsFile file = SafetensorsFile.open(path)) {
      assertThat(file.names()).containsExactly("a", "b");
    }
  }

  @Test
  void readsTensorsBeyondFourGibibytes() throws IOException {
    long elements = 3L << 28;
    String header = "{" + f32("low", 0, elements) + "," + f32("high", 4 * elements, elements) + "}";
    byte[] start = SafetensorsBytes.of(header, 0);
    Path path = folder.resolve("large.safetensors");
    try (RandomAccessFile sparse = new RandomAccessFile(path.toFile(), "rw")) {
      sparse.setLength(start.length + 8 * elements);
      sparse.write(start);
      for (long at : new long[] {0, elements - 1, elements, 2 * elements - 1}) {
        sparse.seek(start.length + 4 * at);
        sparse.write(littleEndian(1 + (float) at / elements));
      }
    }
    try (SafetensorsFile file = SafetensorsFile.open(path)) {
      assertThat(file.totalBytes()).isEqualTo(6L << 30);
      Tensor low = file.tensor("low");
      Tensor high = file.tensor("high");
      assertThat(low.getFloat(0)).isEqualTo(1);
      assertThat(low.getFloat(1)).isZero();
      assertThat(low.getFloat(elements - 1)).isEqualTo(1 + (elements - 1f) / elements);
      assertThat(high.getFloat(0)).isEqualTo(2);
      assertThat(high.getFloat(1)).isZero();
      assertThat(high.getFloat(elements - 1)).isEqualTo(1 + (2 * elements - 1f) / elements);
    }
  }

  @Test
  void closingUnmapsAndEveryLaterUseIsAnError() throws IOException {
    SafetensorsFile file = SafetensorsFile.open(write(SafetensorsBytes.of(f32File(), 4)));
    Tensor tensor = file.tensor("a");
    file.close();
    file.close();
    assertThatIllegalStateException().isThrownBy(() -> tensor.getFloat(0));
    assertThatIllegalStateException()
        .isThrownBy(() -> file.tensor("a"))
        .withMessage("Tensor \"a\" was asked of bad.safetensors after it was closed");
    assertThat(file.names()).containsExactly("a");
  }

  @Test
  void namesTheTensorThatIsNotThere() throws IOException {
    try (SafetensorsFile file = SafetensorsFile.open(write(SafetensorsBytes.of(f32File(), 4)))) {
      assertThatExceptionOfType(CheckpointException.class)
          .isThrownBy(() -> file.tensor("lm_head"))
          .withMessage("bad.safetensors has no tensor \"lm_head\"");
      assertThat(file.describe("a")).isEqualTo("\"a\" (F32[1] in bad.safetensors)");
      assertThat(file.describe("b")).isEqualTo("\"b\" (not in bad.safetensors)");
    }
  }

  @Test
  void namesTheFileThatIsNotThere() {
    assertThatExceptionOfType(CheckpointException.class)
        .isThrownBy(() -> SafetensorsFile.open(folder.resolve("no.safetensors")))
        .withMessage("no.safetensors is missing from " + folder);
    assertThatExceptionOfType(CheckpointException.class)
        .isThrownBy(() -> SafetensorsFile.open(folder))
        .withMessage(folder + " is not a regular file");
  }

  @Test
  void acceptsSpacesAfterTheHeaderAndEmptyTensorsAnywhere() throws IOException {
    String header =
        "{"
            + f32("b", 4, 0)
            + ","
            + f32("a", 0, 1)
            + ","
            + f32("c", 0, 0)
            + ","
            + f32("d", 4, 0)
            + "}    ";
    try (SafetensorsFile file = SafetensorsFile.open(write(SafetensorsBytes.of(header, 4)))) {
      assertThat(file.names()).containsExactly("c", "a", "b", "d");
      assertThat(file.tensor("d").shape()).isEqualTo(Shape.of(0));
    }
  }

  @Test
  void checksSizesOfTypesWithLessThanAByte() throws IOException {
    String header = "{'a':{'dtype':'F4','shape':[4],'data_offsets':[0,2]}}";
    try (SafetensorsFile file = SafetensorsFile.open(write(SafetensorsBytes.of(header, 2)))) {
      assertThat(file.bytes("a")).isEqualTo(2);
    }
  }

  @ParameterizedTest(name = "{1}")
  @MethodSource("violations")
  void refusesWithASentence(byte[] bytes, String sentence) throws IOException {
    Path path = write(bytes);
    assertThatExceptionOfType(CheckpointException.class)
        .isThrownBy(() -> SafetensorsFile.open(path))
        .withMessage(sentence);
  }

  static Stream<Arguments> violations() {
    List<Arguments> cases = new ArrayList<>();
    cases.addAll(lengths());
    cases.addAll(documents());
    cases.addAll(descriptions());
    cases.addAll(layouts());
    return cases.stream();
  }

  private static List<Arguments> lengths() {
    byte[] empty = json("{}");
    return List.of(
        refused(
            new byte[0],
            " has 0 bytes, but a safetensors file begins with 8 bytes of header length; it is empty"
                + " or truncated"),
        refused(
            new byte[7],
            " has 7 bytes, but a safetensors file begins with 8 bytes of header length; it is empty"
                + " or truncated"),
        refused(
            new byte[8],
            ": the header of 0 bytes does not begin with '{'; it is damaged or not a safetensors"
                + " file"),
        refused(
            SafetensorsBytes.of(3, empty, 0),
            " claims a header of 3 bytes, but only 2 follow; it is truncated or not a safetensors"
                + " file"),
        refused(
            SafetensorsBytes.of(100_000_000, empty, 0),
            " claims a header of 100000000 bytes, but only 2 follow; it is truncated or not a"
                + " safetensors file"),
        refused(
            SafetensorsBytes.of(100_000_001, empty, 0),
            " claims a header of 100000001 bytes, but at most 100000000 are allowed; it is damaged"
                + " or not a safetensors file"),
        refused(
            SafetensorsBytes.of(-1, empty, 0),
            " claims a header of 18446744073709551615 bytes, but at most 100000000 are allowed; it"
                + " is damaged or not a safetensors file"));
  }

  private static List<Arguments> documents() {
    byte[] malformed = json("{'a?':0}");
    malformed[3] = (byte) 0xff;
    byte[] overlong = json("{'??':0}");
    overlong[2] = (byte) 0xc0;
    overlong[3] = (byte) 0xaf;
    byte[] utf16 = "{}".getBytes(StandardCharsets.UTF_16LE);
    return List.of(
        refused(
            " {}",
            0,
            ": the header of 3 bytes does not begin with '{'; it is damaged or not a safetensors"
                + " file"),
        refused(SafetensorsBytes.of(8, malformed, 0), ": the header is not valid UTF-8"),
        refused(SafetensorsBytes.of(8, overlong, 0), ": the header is not valid UTF-8"),
        refused(
            SafetensorsBytes.of(4, utf16, 0),
            ": the header is not valid JSON: Illegal character ((CTRL-CHAR, code 0)): only regular"
                + " white space (\\r, \\n, \\t) is allowed between tokens (line 1, column 3)"),
        refused("{} {}", 0, ": the header goes on after its closing brace with an object"),
        refused(
            "{'\\udc00':0}",
            0,
            ": the header is not valid JSON: Unexpected low surrogate in field name: 0xdc00 (line"
                + " 1, column 9)"),
        refused(
            "{'__metadata__':{'k':'\\udc00'}}",
            0,
            ": __metadata__ holds an unpaired surrogate in \"\\udc00\""),
        refused("{'a':7}", 0, ": tensor \"a\" must be described by an object, got 7"),
        refused(
            "{" + f32("a", 0, 0) + "," + f32("a", 0, 0) + "}",
            0,
            ": tensor \"a\" is listed twice in the header"),
        refused("{'__metadata__':[]}", 0, ": __metadata__ must be an object, got a list"),
        refused(
            "{'__metadata__':{'k':1}}",
            0,
            ": __metadata__ must map strings to strings, but \"k\" is 1"),
        refused("{'__metadata__':{'k':'','k':''}}", 0, ": \"k\" occurs twice in __metadata__"),
        refused(
            "{'__metadata__':{},'__metadata__':{}}",
            0,
            ": __metadata__ occurs twice in the header"));
  }

  private static List<Arguments> descriptions() {
    String notIntegers = ": tensor \"a\": shape must hold non-negative integers, got ";
    return List.of(
        refused(
            "{'a':{'shape':[0],'data_offsets':[0,0]}}", 0, ": tensor \"a\" lacks the field dtype"),
        refused(
            "{'a':{'dtype':'F32','data_offsets':[0,0]}}",
            0,
            ": tensor \"a\" lacks the field shape"),
        refused(
            "{'a':{'dtype':'F32','shape':[0]}}", 0, ": tensor \"a\" lacks the field data_offsets"),
        refused(
            "{'a':{'dtype':'F32','dtype':'F32','shape':[0],'data_offsets':[0,0]}}",
            0,
            ": tensor \"a\" has two fields dtype"),
        refused("{'a':{'scale':1}}", 0, ": tensor \"a\" has the unknown field \"scale\""),
        refused(
            described("'f32'", "[0]", "[0,0]"),
            0,
            ": tensor \"a\" has an unknown dtype, \"f32\"; supported are I8, F16, BF16, I32, F32,"
                + " I64"),
        refused(
            described("32", "[0]", "[0,0]"),
            0,
            ": tensor \"a\" has an unknown dtype, 32; supported are I8, F16, BF16, I32, F32, I64"),
        refused(
            described("'F32'", "3", "[0,0]"),
            0,
            ": tensor \"a\": shape must be a list of integers, got 3"),
        refused(described("'F32'", "[-1]", "[0,0]"), 0, notIntegers + "-1"),
        refused(described("'F32'", "[-0]", "[0,0]"), 0, notIntegers + "-0"),
        refused(described("'F32'", "[1.0]", "[0,4]"), 4, notIntegers + "1.0"),
        refused(described("'F32'", "[1e0]", "[0,4]"), 4, notIntegers + "1e0"),
        refused(described("'F32'", "['1']", "[0,4]"), 4, notIntegers + "\"1\""),
        refused(described("'F32'", "[null]", "[0,4]"), 4, notIntegers + "null"),
        refused(described("'F32'", "[[1]]", "[0,4]"), 4, notIntegers + "a list"),
        refused(
            described("'F32'", "[9223372036854775808]", "[0,4]"),
            4,
            ": tensor \"a\": shape holds 9223372036854775808, which exceeds 64 bits"),
        refused(
            described("'F32'", "[4294967296,4294967296]", "[0,4]"),
            4,
            ": tensor \"a\" of shape [4294967296, 4294967296] has more elements than can be"
                + " counted"),
        refused(
            described("'F32'", "[4611686018427387904]", "[0,0]"),
            0,
            ": tensor \"a\" of F32[4611686018427387904] has more bytes than can be counted"),
        refused(
            described("'F32'", "[1,1,1,1,1,1,1,1,1]", "[0,4]"),
            4,
            ": tensor \"a\": shape has more than 8 entries"),
        refused(
            described("'F32'", "[1]", "[4]"),
            4,
            ": tensor \"a\": data_offsets must be two integers, got [4]"),
        refused(
            described("'F32'", "[1]", "[0,4,4]"),
            4,
            ": tensor \"a\": data_offsets has more than 2 entries"),
        refused(
            described("'F32'", "[1]", "[8,4]"),
            8,
            ": tensor \"a\": data_offsets [8, 4] end before they begin"),
        refused(
            described("'F32'", "[1]", "[0,4.5]"),
            4,
            ": tensor \"a\": data_offsets must hold non-negative integers, got 4.5"));
  }

  private static List<Arguments> layouts() {
    return List.of(
        refused(
            described("'F32'", "[2,3]", "[0,20]"),
            20,
            ": tensor \"a\" of F32[2, 3] takes 24 bytes, but its data_offsets [0, 20] span 20"),
        refused(
            described("'F6_E2M3'", "[3]", "[0,2]"),
            2,
            ": tensor \"a\" of F6_E2M3[3] takes 18 bits, which are not whole bytes"),
        refused(
            described("'F32'", "[1]", "[4,8]"),
            8,
            ": tensor \"a\" begins at byte 4, but nothing lies before it: 4 bytes belong to no"
                + " tensor"),
        refused(
            "{" + f32("a", 0, 2) + "," + f32("b", 12, 1) + "}",
            16,
            ": tensor \"b\" begins at byte 12, but tensor \"a\" before it ends at byte 8: 4 bytes"
                + " belong to no tensor"),
        refused(
            "{" + f32("a", 0, 2) + "," + f32("b", 4, 2) + "}",
            12,
            ": tensor \"b\" begins at byte 4, but tensor \"a\" before it ends at byte 8: 4 bytes"
                + " overlap"),
        refused(
            "{" + f32("a", 0, 2) + "," + f32("b", 0, 2) + "}",
            8,
            ": tensor \"b\" begins at byte 0, but tensor \"a\" before it ends at byte 8: 8 bytes"
                + " overlap"),
        refused(
            "{" + f32("a", 0, 2) + "," + f32("b", 4, 0) + "}",
            8,
            ": tensor \"b\" begins at byte 4, but tensor \"a\" before it ends at byte 8: 4 bytes"
                + " overlap"),
        refused(
            "{" + f32("a", 0, 2) + "}",
            7,
            ": the tensors end at byte 8 of the data, but the file has 7 bytes of data; it is"
                + " truncated"),
        refused(
            "{" + f32("a", 0, 2) + "}",
            9,
            ": the tensors end at byte 8 of the data, but the file has 9 bytes of data; it is"
                + " damaged"),
        refused(
            "{}",
            1,
            ": the tensors end at byte 0 of the data, but the file has 1 bytes of data; it is"
                + " damaged"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{",
        "{]",
        "{'a'}",
        "{'a':}",
        "{'a':{'dtype'",
        "{,}",
        "{'a':{'dtype':NaN}}",
        "{} x",
        "{}\0",
        "{'a':{'shape':[01]}}",
        "{'a':{'shape':[+1]}}",
        "{'a':{'shape':[1,]}}",
        "{a:0}",
        "{/**/}",
        "{'\t':0}",
        "{'\\x':0}",
        "{'a':{'shape':[1e]}}",
        "{'a':{'shape':[0x1]}}"
      })
  void refusesWhatIsNotJson(String header) throws IOException {
    Path path = write(SafetensorsBytes.of(header, 0));
    assertThatExceptionOfType(CheckpointException.class)
        .isThrownBy(() -> SafetensorsFile.open(path))
        .withMessageStartingWith("bad.safetensors: the header is not valid JSON: ")
        .withMessageMatching("(?s).* \\(line 1, column \\d+\\)");
  }

  @Test
  void boundsNamesDepthAndCounts() throws IOException {
    assertRefused("{'" + "x".repeat(5000) + "':0}", "Name length (5000) exceeds the maximum");
    assertRefused("{'a':" + "[".repeat(100_000), "must be described by an object, got a list");
    assertRefused(
        "{'a':{'dtype':" + "{'a':".repeat(100_000), "tensor \"a\" has an unknown dtype, an object");
    assertRefused(
        IntStream.rangeClosed(0, SafetensorsHeader.MAX_TENSORS)
            .mapToObj(i -> f32(Integer.toString(i), 0, 0))
            .collect(Collectors.joining(",", "{", "}")),
        "holds more than 262144 tensors");
    assertRefused(
        IntStream.rangeClosed(0, SafetensorsHeader.MAX_METADATA_ENTRIES)
            .mapToObj(i -> "'" + i + "':''")
            .collect(Collectors.joining(",", "{'__metadata__':{", "}}")),
        "__metadata__ has more than 65536 entries");
  }

  @Test
  void namesMadeToCollideAreReadAsAnyOthers() throws IOException {
    int names = 1 << 14;
    String header =
        IntStream.range(0, names)
            .mapToObj(i ->
                IntStream.range(0, 14)
                    .mapToObj(bit -> (i >> bit & 1) == 0 ? "Aa" : "BB")
                    .collect(Collectors.joining()))
            .map(name -> f32(name, 0, 0))
            .collect(Collectors.joining(",", "{", "}"));
    try (SafetensorsFile file = SafetensorsFile.open(write(SafetensorsBytes.of(header, 0)))) {
      assertThat(file.names()).hasSize(names);
    }
  }

  @Test
  void messagesCannotControlTheTerminal() throws IOException {
    assertRefused(
        "{'\\u001b[2J\\n" + "x".repeat(200) + "':0}",
        "tensor \"\\u001b[2J\\u000a" + "x".repeat(115) + "… (205 characters)\" must be");
  }

  private void assertRefused(String header, String part) throws IOException {
    Path path = write(SafetensorsBytes.of(header, 0));
    assertThatExceptionOfType(CheckpointException.class)
        .isThrownBy(() -> SafetensorsFile.open(path))
        .withMessageContaining(part);
  }

  private static String described(String dtype, String shape, String offsets) {
    return "{'a':{'dtype':%s,'shape':%s,'data_offsets':%s}}".formatted(dtype, shape, offsets);
  }

  private static String f32File() {
    return "{" + f32("a", 0, 1) + "}";
  }

  private static Arguments refused(String header, int dataBytes, String rest) {
    return refused(SafetensorsBytes.of(header, dataBytes), rest);
  }

  private static Arguments refused(byte[] bytes, String rest) {
    return arguments(bytes, "bad.safetensors" + rest);
  }

  private static byte[] littleEndian(float value) {
    return ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putFloat(value).array();
  }

  private Path write(byte[] bytes) throws IOException {
    return Files.write(folder.resolve("bad.safetensors"), bytes);
  }
}
