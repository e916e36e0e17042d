package io.github.vlm4j.core.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.vlm4j.core.CheckpointException;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Tensor;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Files that torch wrote, held against safetensors files of what torch reads back from them. */
class PyTorchFileTest {

  @TempDir Path folder;

  static Stream<Arguments> twins() throws IOException {
    Map<String, String> twins =
        new ObjectMapper()
            .readValue(fixture("twins.json"), new TypeReference<Map<String, String>>() {});
    return twins.entrySet().stream().map(pair -> Arguments.of(pair.getKey(), pair.getValue()));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("twins")
  void readsEveryTensorAsTorchDoes(String name, String twin) throws IOException {
    try (PyTorchFile file = open(name);
        SafetensorsFile expected = SafetensorsFile.open(copy(twin + ".safetensors"))) {
      assertThat(file.path()).isEqualTo(folder.resolve(name));
      assertThat(file.names()).containsExactlyInAnyOrderElementsOf(expected.names());
      for (String tensor : expected.names()) {
        assertThat(file.contains(tensor)).isTrue();
        assertThat(file.shape(tensor)).as(tensor).isEqualTo(expected.shape(tensor));
        assertThat(file.storedType(tensor)).as(tensor).isEqualTo(expected.storedType(tensor));
        assertThat(file.bytes(tensor)).as(tensor).isEqualTo(expected.bytes(tensor));
        assertThat(file.describe(tensor))
            .isEqualTo(expected.describe(tensor).replace(twin + ".safetensors", name));
        if (StoredType.named(expected.storedType(tensor)).orElseThrow().dtype().isPresent()) {
          assertThat(file.dtype(tensor)).isEqualTo(expected.dtype(tensor));
          Tensor read = file.tensor(tensor);
          assertThat(read.shape()).isEqualTo(expected.shape(tensor));
          assertThat(read.data().mismatch(expected.tensor(tensor).data())).as(tensor).isEqualTo(-1);
          assertThat(read.data().isReadOnly()).isTrue();
        } else {
          assertThatExceptionOfType(CheckpointException.class)
              .isThrownBy(() -> file.tensor(tensor))
              .withMessage(
                  "%s: tensor \"%s\" is %s%s, a type that is not supported; supported are I8, F16,"
                      + " BF16, I32, F32, I64",
                  name, tensor, file.storedType(tensor), file.shape(tensor));
        }
      }
    }
  }

  @Test
  void contiguousTensorsAreViewsOfTheFileAndOthersAreCopiedOnce() throws IOException {
    try (PyTorchFile file = open("views.pt")) {
      long base = file.tensor("base").data().address();
      assertThat(file.tensor("tied").data().address()).isEqualTo(base);
      assertThat(file.tensor("rows").data().address()).isEqualTo(base + 6 * 4);
      assertThat(file.tensor("flat").data().address()).isEqualTo(base + 5 * 4);
      assertThat(file.tensor("element").data().address()).isEqualTo(base + 15 * 4);
      long copy = file.tensor("transposed").data().address();
      assertThat(copy < base || copy >= base + 24 * 4).isTrue();
      assertThat(file.tensor("transposed").data().address()).isEqualTo(copy);
      assertThat(file.totalBytes())
          .as("each storage once: f32[24], f16[24], f32, bf16[12], i64[6], i8[6]")
          .isEqualTo(24 * 4 + 24 * 2 + 4 + 12 * 2 + 6 * 8 + 6);
    }
  }

  @Test
  void keepsNumbersAndStringsOfATrainingCheckpointAsMetadata() throws IOException {
    try (PyTorchFile file = open("training.pt")) {
      assertThat(file.metadata())
          .containsExactlyInAnyOrderEntriesOf(
              Map.of("epoch", "3", "name", "run", "negative", "-1099511627776"));
      assertThat(file.contains("best")).isFalse();
    }
    try (PyTorchFile file = open("scripted.pt")) {
      assertThat(file.metadata()).containsEntry("width", "3").containsEntry("label", "tower");
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "legacy.pt | is in the format that torch wrote before version 1.6, which is not read; in"
            + " Python, load it with torch.load and save its state_dict() with torch.save of a"
            + " current version or as safetensors",
        "module.pt | asks for the Python object torch.nn.modules.linear.Linear, which is no part"
            + " of a state dict, and nothing of it was run; in Python, save the model's"
            + " state_dict() with torch.save or as safetensors",
        "sparse.pt | asks for the Python object torch._utils._rebuild_sparse_tensor",
        "negated.pt | has a tensor that is a negated or conjugated view",
        "tensor.pt | holds a tensor instead of a state dict",
        "no_tensors.pt | holds no state dict: its dictionary has the entries epoch, nets, and none"
            + " of state_dict, model, module, model_state_dict maps names to tensors",
        "deflated_storages.pt | tensor \"conv1.weight\" lies in the compressed entry"
            + " \"protocol2/data/0\", which cannot be mapped; load and save the file in Python with"
            + " torch, or unpack it and pack it again without compression"
      })
  void refusesWhatItCannotReadAndSaysWhatToDo(String name, String problem) {
    assertThatExceptionOfType(CheckpointException.class)
        .isThrownBy(() -> open(name))
        .withMessageStartingWith(name)
        .withMessageContaining(problem);
  }

  @Test
  void refusesTarFilesAndOtherFormats() throws IOException {
    byte[] tar = new byte[1024];
    System.arraycopy("ustar".getBytes(StandardCharsets.US_ASCII), 0, tar, 257, 5);
    Path path = folder.resolve("x.pt");
    Files.write(path, tar);
    assertRefused(path, "x.pt is in the format that torch wrote before version 1.6");
    Files.write(path, fixture("plain.safetensors"));
    assertRefused(
        path,
        "x.pt is not a PyTorch file: it does not begin as a zip file does; it is damaged or in"
            + " another format");
    Files.write(path, new byte[3]);
    assertRefused(path, "x.pt has only 3 bytes; it is truncated");
    assertRefused(folder.resolve("none.pt"), "none.pt is missing from " + folder);
  }

  @Test
  void refusesAFileThatIsCutAnywhere() throws IOException {
    byte[] whole = fixture("protocol2.pt");
    Path path = folder.resolve("cut.pt");
    for (int length = 0; length < whole.length; length++) {
      Files.write(path, Arrays.copyOf(whole, length));
      assertRefused(path, "cut.pt ");
    }
  }

  @Test
  void refusesAccessAfterClosing() throws IOException {
    PyTorchFile file = open("views.pt");
    Tensor view = file.tensor("base");
    Tensor copied = file.tensor("transposed");
    file.close();
    file.close();
    assertThat(file.dtype("base")).isEqualTo(DType.F32);
    assertThatIllegalStateException().isThrownBy(() -> view.getFloat(0));
    assertThatIllegalStateException().isThrownBy(() -> copied.getFloat(0));
    assertThatIllegalStateException()
        .isThrownBy(() -> file.tensor("transposed"))
        .withMessage("Tensor \"transposed\" was asked of views.pt after it was closed");
  }

  @Test
  void namesATensorThatIsMissing() throws IOException {
    try (PyTorchFile file = open("protocol2.pt")) {
      assertThat(file.describe("x")).isEqualTo("\"x\" (not in protocol2.pt)");
      assertThatExceptionOfType(CheckpointException.class)
          .isThrownBy(() -> file.tensor("x"))
          .withMessage("protocol2.pt has no tensor \"x\"");
    }
  }

  private static void assertRefused(Path path, String start) {
    assertThatExceptionOfType(CheckpointException.class)
        .isThrownBy(() -> PyTorchFile.open(path).close())
        .withMessageStartingWith(start);
  }

  private PyTorchFile open(String name) throws IOException {
    return PyTorchFile.open(copy(name));
  }

  private Path copy(String name) throws IOException {
    return Files.write(folder.resolve(name), fixture(name));
  }

  private static byte[] fixture(String name) throws IOException {
    return SafetensorsBytes.fixture("pytorch/" + name);
  }
}
