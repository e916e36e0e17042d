package io.github.vlm4j.models.gguf;

import io.github.vlm4j.core.ModelException;
import io.github.vlm4j.core.checkpoint.Checkpoint;
import io.github.vlm4j.core.checkpoint.GgufWriter;
import io.github.vlm4j.core.checkpoint.GgufWriter.TensorInfo;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Shape;
import io.github.vlm4j.core.tensor.Tensor;
import java.util.Optional;
import java.util.function.UnaryOperator;

/**
 * A tensor of a folder that is to be written to a GGUF file. Reference: llama.cpp, {@code
 * conversion/base.py}, {@code prepare_tensors} and {@code tensor_force_quant}.
 *
 * @param name in the file
 * @param source in the folder
 * @param stored its type in the folder
 * @param shape in the file
 * @param numbers what is to be written, from what is in the folder
 */
record GgufTensor(
    String name, String source, DType stored, Shape shape, UnaryOperator<Tensor> numbers) {

  private static final String POSITIONS = "v.position_embd.weight";

  /** Returns a tensor that is written as it is. */
  static GgufTensor of(String name, String source, Checkpoint checkpoint) {
    return new GgufTensor(
        name, source, checkpoint.dtype(source), checkpoint.shape(source), UnaryOperator.identity());
  }

  /** Returns the same tensor with other numbers. */
  GgufTensor with(UnaryOperator<Tensor> other) {
    return new GgufTensor(name, source, stored, shape, other);
  }

  /** Returns what the file says of it. */
  TensorInfo info(Checkpoint checkpoint, GgufExport.Encoding encoding) {
    Optional<DType> fixed = fixed();
    if (fixed.isPresent() && !stored.isFloat()) {
      throw new ModelException(
          checkpoint.describe(source)
              + " must hold f32, f16 or bf16, so that it cannot be written as GGUF.");
    }
    return new TensorInfo(name, fixed.orElseGet(() -> encoding.type(name, stored, shape)), shape);
  }

  /**
   * The type that ggml computes with alone: norms and biases in f32, positions, which it
   * interpolates, too, and the kernels of convolutions in f32 or f16.
   */
  private Optional<DType> fixed() {
    if (shape.rank() < 2 || name.equals(POSITIONS)) {
      return Optional.of(DType.F32);
    }
    return shape.rank() == 2
        ? Optional.empty()
        : Optional.of(stored == DType.F16 ? DType.F16 : DType.F32);
  }

  /** Appends the numbers, in the type that {@link #info} says. */
  void append(Checkpoint checkpoint, GgufExport.Encoding encoding, GgufWriter writer) {
    Tensor tensor = numbers.apply(checkpoint.tensor(source));
    Optional<DType> fixed = fixed();
    if (fixed.isEmpty()) {
      encoding.encode(name, tensor, encoding.type(name, stored, shape), writer::append);
    } else if (fixed.get() == stored) {
      writer.append(tensor);
    } else {
      writer.append(Tensor.ofFloats(tensor.toFloats(), shape.toArray()));
    }
  }
}
