package io.github.vlm4j.core.checkpoint;

import io.github.vlm4j.core.CheckpointException;
import io.github.vlm4j.core.checkpoint.PickleValue.Strided;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Shape;
import io.github.vlm4j.core.tensor.Tensor;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;

/**
 * A memory-mapped PyTorch file, as {@code torch.save} of version 1.6 and later writes it (a zip
 * file with a pickle and a file per storage), or a TorchScript archive of {@code torch.jit.save}.
 *
 * <p>The pickle is read as data by an interpreter of the few opcodes that state dicts consist of.
 * No class is looked up and nothing is called; whatever asks for more is refused with the name of
 * what it asked for.
 *
 * <p>The weights are the top-level dictionary if it maps names to tensors, else its entry {@code
 * state_dict}, {@code model}, {@code module} or {@code model_state_dict}; a prefix {@code module.}
 * that all names have, as {@code DataParallel} leaves it, is dropped. The tensors of a TorchScript
 * archive have the dotted names of its modules' attributes.
 *
 * <p>A tensor whose elements lie one after the other is a read-only view of the mapping; one that
 * was saved as a transposed, strided or expanded view is copied when it is first asked for.
 *
 * <p>The file must not be changed or cut while it is open. Any thread may read; {@link #close}
 * unmaps, after which every access to a tensor throws {@link IllegalStateException}.
 *
 * @see <a href="https://docs.pytorch.org/docs/stable/notes/serialization.html">The format</a>
 */
public final class PyTorchFile implements TensorFile {

  private static final String PICKLE = "/data.pkl";
  private static final int MAX_PICKLE_BYTES = 64 << 20;
  private static final int MAX_BYTE_ORDER_BYTES = 16;

  /** What views that must be copied may take beyond twice the file. */
  private static final long SPARE_COPY_BYTES = 64 << 20;

  private static final String CONVERT =
      "; in Python, load it with torch.load and save its state_dict() with torch.save of a current"
          + " version or as safetensors";

  private final Path path;
  private final String file;
  private final Map<String, StridedView> tensors;
  private final Map<String, String> metadata;
  private final MemorySegment data;
  private final Arena arena;
  private final Map<String, Tensor> copies = new ConcurrentHashMap<>();

  private PyTorchFile(
      Path path,
      Map<String, StridedView> tensors,
      Map<String, String> metadata,
      MemorySegment data,
      Arena arena) {
    this.path = path;
    this.file = ModelFiles.name(path);
    this.tensors = Collections.unmodifiableMap(tensors);
    this.metadata = Collections.unmodifiableMap(metadata);
    this.data = data;
    this.arena = arena;
  }

  /**
   * Opens and validates a file.
   *
   * @param path the file; a symbolic link to one is followed
   * @throws CheckpointException if it is missing, unreadable, malformed, of the format of torch
   *     before 1.6, or asks for anything that weights do not consist of
   */
  public static PyTorchFile open(Path path) {
    return open(path, true);
  }

  /** Opens one of several files, in which the names must be what the index says. */
  static PyTorchFile openShard(Path path) {
    return open(path, false);
  }

  private static PyTorchFile open(Path path, boolean whole) {
    String file = ModelFiles.name(path);
    ModelFiles.requireRegular(path);
    Arena arena = Arena.ofShared();
    boolean opened = false;
    try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
      long size = channel.size();
      requireZip(file, channel, size);
      ZipDirectory zip = ZipDirectory.read(file, channel);
      String folder = folder(file, zip);
      requireLittleEndian(file, channel, zip, folder);
      StateDict weights = StateDict.find(file, pickle(file, channel, zip, folder));
      weights = whole ? weights.withoutDataParallel() : weights;
      Map<String, StridedView> tensors = place(file, weights.tensors(), zip, folder);
      MemorySegment data = channel.map(FileChannel.MapMode.READ_ONLY, 0, size, arena);
      opened = true;
      return new PyTorchFile(path, tensors, weights.metadata(), data, arena);
    } catch (IOException e) {
      throw new CheckpointException(file + " " + StrictJson.problem(e), e);
    } finally {
      if (!opened) {
        arena.close();
      }
    }
  }

  private static void requireZip(String file, FileChannel channel, long size) throws IOException {
    ByteBuffer start = ZipDirectory.bytes(file, channel, 0, (int) Math.min(size, 512));
    if (start.remaining() < 4) {
      throw new CheckpointException(file + " has only " + size + " bytes; it is truncated");
    }
    if (start.getInt(0) == ZipDirectory.LOCAL_SIGNATURE) {
      return;
    }
    boolean tar =
        start.remaining() == 512
            && StandardCharsets.ISO_8859_1.decode(start.slice(257, 5)).toString().equals("ustar");
    // A pickle of protocol 2 or later, as a file of torch before 1.6 is throughout.
    boolean pickle = start.get(0) == (byte) 0x80 && start.get(1) >= 2 && start.get(1) <= 5;
    throw new CheckpointException(
        file
            + (tar || pickle
                ? " is in the format that torch wrote before version 1.6, which is not read"
                    + CONVERT
                : " is not a PyTorch file: it does not begin as a zip file does; it is damaged or"
                    + " in another format"));
  }

  /** Returns the archive's own top folder, which is named after the file that was saved. */
  private static String folder(String file, ZipDirectory zip) {
    List<String> folders =
        zip.entries().keySet().stream()
            .filter(name -> name.endsWith(PICKLE) && name.indexOf('/') == name.length() - 9)
            .map(name -> name.substring(0, name.length() - PICKLE.length()))
            .collect(Collectors.toList());
    if (folders.size() != 1) {
      throw new CheckpointException(
          file
              + " is a zip file with "
              + folders.size()
              + " entries NAME"
              + PICKLE
              + " where a PyTorch file has one; it is in another format");
    }
    return folders.getFirst();
  }

  private static void requireLittleEndian(
      String file, FileChannel channel, ZipDirectory zip, String folder) throws IOException {
    ZipDirectory.Entry entry = zip.entries().get(folder + "/byteorder");
    if (entry == null) {
      return;
    }
    String order =
        new String(
            ZipDirectory.content(file, channel, entry, MAX_BYTE_ORDER_BYTES),
            StandardCharsets.ISO_8859_1);
    if (!order.equals("little")) {
      throw new CheckpointException(
          file
              + " has the byte order "
              + Excerpt.quoted(order)
              + ", but only \"little\" is read"
              + CONVERT);
    }
  }

  private static PickleValue pickle(
      String file, FileChannel channel, ZipDirectory zip, String folder) throws IOException {
    ZipDirectory.Entry entry = zip.entries().get(folder + PICKLE);
    if (entry == null) {
      throw new IllegalStateException(folder);
    }
    byte[] bytes = ZipDirectory.content(file, channel, entry, MAX_PICKLE_BYTES);
    return PickleMachine.read(file + ": data.pkl", bytes);
  }

  private static Map<String, StridedView> place(
      String file, Map<String, Strided> weights, ZipDirectory zip, String folder) {
    Map<String, StridedView> tensors = LinkedHashMap.newLinkedHashMap(weights.size());
    long copied = 0;
    long most = SPARE_COPY_BYTES;
    for (ZipDirectory.Entry entry : zip.entries().values()) {
      most += 2 * entry.packed();
    }
    for (Map.Entry<String, Strided> weight : weights.entrySet()) {
      String name = weight.getKey();
      String storage = folder + "/data/" + weight.getValue().storage().key();
      ZipDirectory.Entry entry = zip.entries().get(storage);
      if (entry == null) {
        throw new CheckpointException(
            SafetensorsHeader.tensor(file, name)
                + " lies in entry "
                + Excerpt.quoted(storage)
                + ", which is missing; the file is damaged");
      }
      StridedView view = StridedView.of(file, name, weight.getValue(), entry);
      if (!view.isContiguous()) {
        // What is left is never negative, so that nothing overflows.
        if (view.bytes() > most - copied) {
          throw new CheckpointException(
              SafetensorsHeader.tensor(file, name)
                  + " is "
                  + view.describe()
                  + ", an expanded or overlapping view far larger than the file, so that it cannot"
                  + " be copied; in Python, save its storage once and expand it after loading");
        }
        copied += view.bytes();
      }
      tensors.put(name, view);
    }
    return tensors;
  }

  /** Returns the file as it was given. */
  @Override
  public Path path() {
    return path;
  }

  /** Returns the names of all tensors, in the order of the state dict. */
  @Override
  public Set<String> names() {
    return tensors.keySet();
  }

  /**
   * Returns the numbers and strings that stand beside the tensors, or beside the state dict, as
   * text: {@code epoch} of a training checkpoint, for example. What is neither is left out.
   */
  public Map<String, String> metadata() {
    return metadata;
  }

  /** Returns whether there is a tensor of this name, of whatever type. */
  @Override
  public boolean contains(String name) {
    return tensors.containsKey(name);
  }

  /**
   * Returns a tensor's shape, without touching its data.
   *
   * @throws CheckpointException if there is no such tensor
   */
  @Override
  public Shape shape(String name) {
    return view(name).shape();
  }

  /**
   * Returns a tensor's element type, without touching its data.
   *
   * @throws CheckpointException if there is no such tensor or its type is not supported
   */
  @Override
  public DType dtype(String name) {
    StridedView view = view(name);
    return view.type()
        .dtype()
        .orElseThrow(
            () -> TensorFile.unsupported(file, name, view.describe(), StoredType.supportedNames()));
  }

  /**
   * Returns the name of a tensor's element type as safetensors calls it, supported or not: {@code
   * F64} of a double tensor, for example.
   *
   * @throws CheckpointException if there is no such tensor
   */
  @Override
  public String storedType(String name) {
    return view(name).type().name();
  }

  /**
   * Returns the bytes that a tensor takes when its elements lie one after the other.
   *
   * @throws CheckpointException if there is no such tensor
   */
  @Override
  public long bytes(String name) {
    return view(name).bytes();
  }

  /** Returns the bytes of the storages behind all tensors; one that is shared counts once. */
  @Override
  public long totalBytes() {
    return tensors.values().stream()
        .map(StridedView::entry)
        .distinct()
        .mapToLong(ZipDirectory.Entry::size)
        .sum();
  }

  /**
   * Returns a tensor, read-only: a view of the mapped file, or a copy if it was saved as a view
   * whose elements do not lie one after the other. It need not be aligned to its elements.
   *
   * @throws CheckpointException if there is no such tensor or its type is not supported
   * @throws IllegalStateException if the file has been closed
   */
  @Override
  public Tensor tensor(String name) {
    DType dtype = dtype(name);
    if (!arena.scope().isAlive()) {
      throw new IllegalStateException(
          "Tensor " + Excerpt.quoted(name) + " was asked of " + file + " after it was closed");
    }
    StridedView view = view(name);
    if (view.isContiguous()) {
      return Tensor.of(
          dtype, view.shape(), data.asSlice(view.entry().offset() + view.begin(), view.bytes()));
    }
    return copies.computeIfAbsent(
        name,
        _ -> {
          MemorySegment copy = arena.allocate(view.bytes(), 64);
          view.copy(data, copy);
          return Tensor.of(dtype, view.shape(), copy.asReadOnly());
        });
  }

  /** Returns a tensor's name, type, shape and file, for messages about it. */
  @Override
  public String describe(String name) {
    return contains(name)
        ? Excerpt.quoted(name) + " (" + view(name).describe() + " in " + file + ")"
        : Excerpt.quoted(name) + " (not in " + file + ")";
  }

  /** Unmaps the file; a second call does nothing. */
  @Override
  public void close() {
    if (arena.scope().isAlive()) {
      arena.close();
    }
  }

  private StridedView view(String name) {
    StridedView view = tensors.get(name);
    if (view == null) {
      throw new CheckpointException(file + " has no tensor " + Excerpt.quoted(name));
    }
    return view;
  }
}
