package io.github.vlm4j.core.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.vlm4j.core.CheckpointException;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassModel;
import java.lang.classfile.constantpool.ClassEntry;
import java.lang.classfile.constantpool.MemberRefEntry;
import java.lang.classfile.constantpool.PoolEntry;
import java.lang.foreign.ValueLayout;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Files that were made to run code, to reach outside, or to take all memory or time. They are made
 * by {@code tools/reference/pytorch/make_hostile.py}; the larger ones are made here.
 */
@Timeout(120)
class HostilePyTorchTest {

  private static final Map<String, byte[]> CORPUS = new LinkedHashMap<>();

  @TempDir Path folder;

  @BeforeAll
  static void unpack() throws IOException {
    byte[] packed = SafetensorsBytes.fixture("pytorch/hostile.zip");
    try (ZipInputStream zip = new ZipInputStream(new ByteArrayInputStream(packed))) {
      for (ZipEntry entry; (entry = zip.getNextEntry()) != null; ) {
        CORPUS.put(entry.getName(), zip.readAllBytes());
      }
    }
  }

  static Stream<Arguments> refusals() throws IOException {
    Map<String, String> refusals =
        new ObjectMapper()
            .readValue(
                SafetensorsBytes.fixture("pytorch/hostile.json"),
                new TypeReference<Map<String, String>>() {});
    return refusals.entrySet().stream().map(e -> Arguments.of(e.getKey(), e.getValue()));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("refusals")
  void refusesWhatIsHostileAndSaysWhy(String name, String problem) throws IOException {
    byte[] content = CORPUS.get(name);
    assertThat(content).isNotNull();
    assertThatExceptionOfType(CheckpointException.class)
        .isThrownBy(() -> open(content))
        .withMessageStartingWith("model.pt")
        .withMessageContaining(problem)
        .satisfies(e -> assertThat(e.getMessage()).hasSizeLessThan(800))
        .satisfies(e -> assertThat(e.getMessage()).doesNotContainPattern("\\p{Cntrl}"));
  }

  @Test
  void theCorpusIsWholeAndItsBuilderMakesReadableFiles() throws IOException {
    assertThat(CORPUS).hasSize((int) refusals().count() + 1).hasSizeGreaterThan(250);
    Path path = Files.write(folder.resolve("accepted.bin"), CORPUS.get("accepted.bin"));
    try (PyTorchFile file = PyTorchFile.open(path)) {
      assertThat(file.tensor("w").data().get(ValueLayout.JAVA_BYTE, 23)).isEqualTo((byte) 23);
    }
  }

  static Stream<Arguments> endlessPickles() {
    return Stream.of(
        Arguments.of("", "(", "is nested more than 1000 deep"),
        Arguments.of("", "N", "puts more than 1048576 values on the stack"),
        Arguments.of("", "}", "puts more than 1048576 values on the stack"),
        Arguments.of("(", "N", "puts more than 1048576 values on the stack"),
        Arguments.of("N", "\u0085", "makes more than 2097152 values"),
        Arguments.of("]", "]a", "makes more than 2097152 values"),
        Arguments.of("]", "}a", "makes more than 2097152 values"),
        Arguments.of("]", "U\0a", "makes more than 2097152 values"),
        Arguments.of("]", "K\u00ffa", "makes more than 2097152 values"),
        Arguments.of("]q\0", "h\0a", "has more than 16777216 opcodes"),
        Arguments.of("}", "Nb", "has more than 16777216 opcodes"),
        Arguments.of("]q\0", "(h\0h\0h\0h\0h\0h\0h\0e", "has more than 16777216 opcodes"));
  }

  @ParameterizedTest
  @MethodSource("endlessPickles")
  void boundsWhatAPickleOfFewOpcodesCanTake(String head, String body, String problem) {
    int times = (60 << 20) / body.length();
    byte[] pickle = PickleBombs.repeated(head, body, times);
    assertThatExceptionOfType(CheckpointException.class)
        .isThrownBy(() -> PickleMachine.read("model.pt: data.pkl", pickle))
        .withMessageContaining(problem);
  }

  @Test
  void boundsTheEntriesOfDictionariesThatAreMadeAgainAndAgain() {
    StringBuilder pairs = new StringBuilder("](");
    for (int i = 0; i < 1000; i++) {
      pairs.append("U\u0003%03dN\u0086".formatted(i));
    }
    String head = "]" + pairs + "e\u0085q\u0001accollections\nOrderedDict\nq\u0002a";
    byte[] pickle = PickleBombs.repeated(head, "h\u0002h\u0001Ra", 100_000);
    assertThatExceptionOfType(CheckpointException.class)
        .isThrownBy(() -> PickleMachine.read("x", pickle))
        .withMessageContaining("makes more than 2097152 values");
  }

  @Test
  void boundsTheTensorsThatAreRebuiltFromTheSameArguments() {
    String storage = "(U\u0007storagectorch\nFloatStorage\nU\u00010U\u0003cpuK\u0006tQ";
    String eight = "(" + "K\u0001".repeat(8) + "tq\u0000";
    String head =
        "]ctorch._utils\n_rebuild_tensor\nq\u0001a("
            + storage
            + "K\u0000"
            + eight
            + "h\u0000tq\u0002a";
    byte[] pickle = PickleBombs.repeated(head, "h\u0001h\u0002Ra", 3_000_000);
    assertThatExceptionOfType(CheckpointException.class)
        .isThrownBy(() -> PickleMachine.read("x", pickle))
        .withMessageContaining("makes more than 2097152 values");
  }

  @Test
  void inflatesNoMoreThanAPickleMayHave() throws IOException {
    assertThatExceptionOfType(CheckpointException.class)
        .isThrownBy(() -> open(PickleBombs.deflated(new byte[(64 << 20) + 1])))
        .withMessageContaining("claims 67108865 bytes in ")
        .withMessageContaining("but at most 67108864 are read");
    assertThatExceptionOfType(CheckpointException.class)
        .isThrownBy(() -> open(PickleBombs.deflated(PickleBombs.repeated("", "(", (64 << 20) - 3))))
        .withMessageContaining("is nested more than 1000 deep");
  }

  /** The hole in the middle takes no space on disk. */
  @Test
  @DisabledOnOs(OS.WINDOWS)
  void readsStoragesBeyondFourGigabytes() throws IOException {
    byte[] small = CORPUS.get("accepted.bin");
    ByteBuffer in = ByteBuffer.wrap(small).order(ByteOrder.LITTLE_ENDIAN);
    int second = 30 + "m/data.pkl".length() + in.getInt(18);
    int directory = in.getInt(small.length - 6);
    assertThat(in.getInt(second)).isEqualTo(ZipDirectory.LOCAL_SIGNATURE);
    long moved = (5L << 30) + 1;
    int first = directory + 46 + "m/data.pkl".length();
    int entry = 46 + "m/data/0".length();
    ByteBuffer end = ByteBuffer.allocate(4096).order(ByteOrder.LITTLE_ENDIAN);
    end.put(small, second, directory - second);
    long start = moved + end.position();
    end.put(small, directory, first - directory);
    end.put(small, first, entry).putInt(end.position() - entry + 42, -1);
    end.putShort(end.position() - entry + 30, (short) 12);
    end.putShort((short) 1).putShort((short) 8).putLong(moved);
    long bytes = moved + end.position() - start;
    long record = start + bytes;
    end.putInt(0x06064b50).putLong(44).putInt(45).putLong(0);
    end.putLong(2).putLong(2).putLong(bytes).putLong(start);
    end.putInt(0x07064b50).putInt(0).putLong(record).putInt(1);
    end.putInt(0x06054b50).putInt(0).putShort((short) 2).putShort((short) 2);
    end.putInt((int) bytes).putInt(-1).putShort((short) 0);
    Path path = folder.resolve("large.pt");
    try (FileChannel channel =
        FileChannel.open(path, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
      channel.write(ByteBuffer.wrap(small, 0, second), 0);
      channel.write(end.flip(), moved);
    }
    try (PyTorchFile file = PyTorchFile.open(path)) {
      assertThat(file.tensor("w").data().get(ValueLayout.JAVA_BYTE, 23)).isEqualTo((byte) 23);
    } finally {
      Files.delete(path);
    }
  }

  /**
   * What a file asks for could only be run by code that loads classes, calls methods by name or
   * starts processes, so there must be none of that.
   */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "PyTorchFile",
        "PickleMachine",
        "PickleCalls",
        "PickleGlobals",
        "PickleBytes",
        "PickleOpcode",
        "PickleValue",
        "StateDict",
        "StridedView",
        "ZipDirectory",
        "ZipEnd"
      })
  void noCodeHereCanRunWhatAFileNames(String name) throws IOException, URISyntaxException {
    URI location = PyTorchFile.class.getProtectionDomain().getCodeSource().getLocation().toURI();
    Path classes = Path.of(location).resolve(PyTorchFile.class.getPackageName().replace('.', '/'));
    List<Path> files;
    try (Stream<Path> all = Files.list(classes)) {
      files =
          all.filter(file -> file.getFileName().toString().matches(name + "(\\$.*)?\\.class"))
              .toList();
    }
    assertThat(files).isNotEmpty();
    Set<String> used = new TreeSet<>();
    for (Path file : files) {
      ClassModel model = ClassFile.of().parse(file);
      for (PoolEntry entry : model.constantPool()) {
        switch (entry) {
          case ClassEntry type -> used.add(type.asInternalName());
          case MemberRefEntry member
              when member.owner().asInternalName().equals("java/lang/Class") ->
              used.add("java/lang/Class." + member.name().stringValue());
          default -> {}
        }
      }
    }
    assertThat(used)
        .noneMatch(type -> type.startsWith("java/lang/reflect/"))
        .noneMatch(type -> type.startsWith("java/lang/Process"))
        .noneMatch(type -> type.startsWith("java/net/"))
        .noneMatch(type -> type.startsWith("javax/"))
        .doesNotContain(
            "java/lang/Runtime",
            "java/lang/ClassLoader",
            "java/lang/Module",
            "java/io/ObjectInputStream",
            "java/util/ServiceLoader")
        .allMatch(type ->
            !type.startsWith("java/lang/Class.")
                || type.equals("java/lang/Class.isInstance")
                || type.equals("java/lang/Class.getSimpleName"));
    assertThat(used.stream().filter(type -> type.startsWith("java/lang/invoke/")))
        .as("what the compiler itself writes for lambdas, records and switches")
        .allMatch(type -> !type.endsWith("/MethodHandle"));
  }

  private void open(byte[] content) throws IOException {
    PyTorchFile.open(Files.write(folder.resolve("model.pt"), content)).close();
  }
}
