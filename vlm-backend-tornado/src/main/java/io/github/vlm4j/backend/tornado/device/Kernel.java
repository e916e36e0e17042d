package io.github.vlm4j.backend.tornado.device;

import io.github.vlm4j.backend.tornado.device.kernels.AttentionKernels;
import io.github.vlm4j.backend.tornado.device.kernels.CacheKernels;
import io.github.vlm4j.backend.tornado.device.kernels.ConvolutionKernels;
import io.github.vlm4j.backend.tornado.device.kernels.ElementKernels;
import io.github.vlm4j.backend.tornado.device.kernels.ExpertKernels;
import io.github.vlm4j.backend.tornado.device.kernels.GatedKernels;
import io.github.vlm4j.backend.tornado.device.kernels.LinearKernels;
import io.github.vlm4j.backend.tornado.device.kernels.MovementKernels;
import io.github.vlm4j.backend.tornado.device.kernels.NormKernels;
import io.github.vlm4j.backend.tornado.device.kernels.Parts;
import io.github.vlm4j.backend.tornado.device.kernels.ProductKernels;
import io.github.vlm4j.backend.tornado.device.kernels.RowKernels;
import io.github.vlm4j.backend.tornado.device.kernels.TiledKernels;
import io.github.vlm4j.backend.tornado.device.kernels.TransferKernels;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.TaskGraph;
import uk.ac.manchester.tornado.api.enums.DataTransferMode;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/** The kernels; each is a task graph of one task, compiled when it is first launched. */
enum Kernel {
  TOUCH(64, Kernel::touch),
  SAVE(
      64,
      (g, c, p, a) ->
          g.task("k", TransferKernels::touch, c, p, a.floats(), a.shorts(), a.bytes(), a.ints())),
  STORE_FEW_FLOATS(
      64,
      (g, c, p, a) ->
          g.transferToDevice(DataTransferMode.EVERY_EXECUTION, a.staged().fewFloats())
              .task("k", TransferKernels::storeFloats, c, p, a.staged().fewFloats(), a.floats())),
  STORE_MANY_FLOATS(
      64,
      (g, c, p, a) ->
          g.transferToDevice(DataTransferMode.EVERY_EXECUTION, a.staged().manyFloats())
              .task("k", TransferKernels::storeFloats, c, p, a.staged().manyFloats(), a.floats())),
  STORE_SHORTS(
      64,
      (g, c, p, a) ->
          g.transferToDevice(DataTransferMode.EVERY_EXECUTION, a.staged().shorts())
              .task("k", TransferKernels::storeShorts, c, p, a.staged().shorts(), a.shorts())),
  STORE_BYTES(
      64,
      (g, c, p, a) ->
          g.transferToDevice(DataTransferMode.EVERY_EXECUTION, a.staged().bytes())
              .task("k", TransferKernels::storeBytes, c, p, a.staged().bytes(), a.bytes())),
  STORE_FEW_INTS(
      64,
      (g, c, p, a) ->
          g.transferToDevice(DataTransferMode.EVERY_EXECUTION, a.staged().fewInts())
              .task("k", TransferKernels::storeInts, c, p, a.staged().fewInts(), a.ints())),
  STORE_MANY_INTS(
      64,
      (g, c, p, a) ->
          g.transferToDevice(DataTransferMode.EVERY_EXECUTION, a.staged().manyInts())
              .task("k", TransferKernels::storeInts, c, p, a.staged().manyInts(), a.ints())),
  LOAD_FEW_FLOATS(
      64,
      (g, c, p, a) ->
          g.task("k", TransferKernels::loadFloats, c, p, a.staged().fewResults(), a.floats())
              .transferToHost(DataTransferMode.EVERY_EXECUTION, a.staged().fewResults())),
  LOAD_MANY_FLOATS(
      64,
      (g, c, p, a) ->
          g.task("k", TransferKernels::loadFloats, c, p, a.staged().manyResults(), a.floats())
              .transferToHost(DataTransferMode.EVERY_EXECUTION, a.staged().manyResults())),
  CLEAR(64, (g, c, p, a) -> g.task("k", MovementKernels::clear, c, p, a.floats())),
  COPY_RUNS(64, (g, c, p, a) -> g.task("k", MovementKernels::copyRuns, c, p, a.floats())),
  APPEND(64, (g, c, p, a) -> g.task("k", MovementKernels::append, c, p, a.floats())),
  APPEND_HALVES(
      64, (g, c, p, a) -> g.task("k", CacheKernels::appendHalves, c, p, a.floats(), a.shorts())),
  APPEND_BLOCKS(
      64, (g, c, p, a) -> g.task("k", CacheKernels::appendBlocks, c, p, a.floats(), a.bytes())),
  READ_STORED(
      64,
      (g, c, p, a) ->
          g.task("k", CacheKernels::readStored, c, p, a.floats(), a.shorts(), a.bytes())),
  CLEAR_SHORTS(64, (g, c, p, a) -> g.task("k", CacheKernels::clearShorts, c, p, a.shorts())),
  CLEAR_BYTES(64, (g, c, p, a) -> g.task("k", CacheKernels::clearBytes, c, p, a.bytes())),
  COPY_SHORTS(64, (g, c, p, a) -> g.task("k", CacheKernels::copyShorts, c, p, a.shorts())),
  COPY_BYTES(64, (g, c, p, a) -> g.task("k", CacheKernels::copyBytes, c, p, a.bytes())),
  ATTENTION_STORED(
      AttentionKernels.LANES,
      (g, c, p, a) ->
          g.task("k", CacheKernels::attentionStored, c, p, a.floats(), a.shorts(), a.bytes())),
  GATHER_FLOATS(
      64, (g, c, p, a) -> g.task("k", MovementKernels::gatherFloats, c, p, a.floats(), a.ints())),
  GATHER_HALVES(
      64,
      (g, c, p, a) ->
          g.task("k", MovementKernels::gatherHalves, c, p, a.floats(), a.shorts(), a.ints())),
  GATHER_BLOCKS(
      64,
      (g, c, p, a) ->
          g.task("k", MovementKernels::gatherBlocks, c, p, a.floats(), a.bytes(), a.ints())),
  GATHER_WEIGHTED(
      64, (g, c, p, a) -> g.task("k", MovementKernels::gatherWeighted, c, p, a.floats(), a.ints())),
  SCATTER(64, (g, c, p, a) -> g.task("k", MovementKernels::scatter, c, p, a.floats(), a.ints())),
  PAIRWISE(64, (g, c, p, a) -> g.task("k", ElementKernels::pairwise, c, p, a.floats())),
  ACTIVATE(64, (g, c, p, a) -> g.task("k", ElementKernels::activate, c, p, a.floats())),
  ROPE(64, (g, c, p, a) -> g.task("k", ElementKernels::rope, c, p, a.floats())),
  LINEAR_FLOATS(64, (g, c, p, a) -> g.task("k", LinearKernels::linearFloats, c, p, a.floats())),
  LINEAR_HALVES(
      64, (g, c, p, a) -> g.task("k", LinearKernels::linearHalves, c, p, a.floats(), a.shorts())),
  LINEAR_BLOCKS(
      64, (g, c, p, a) -> g.task("k", LinearKernels::linearBlocks, c, p, a.floats(), a.bytes())),
  ROW_FLOATS(
      RowKernels.LANES, (g, c, p, a) -> g.task("k", RowKernels::rowFloats, c, p, a.floats())),
  ROW_HALVES(
      RowKernels.LANES,
      (g, c, p, a) -> g.task("k", RowKernels::rowHalves, c, p, a.floats(), a.shorts())),
  ROW_BLOCKS(
      RowKernels.LANES,
      (g, c, p, a) -> g.task("k", RowKernels::rowBlocks, c, p, a.floats(), a.bytes())),
  GATED_FLOATS(64, (g, c, p, a) -> g.task("k", GatedKernels::gatedFloats, c, p, a.floats())),
  GATED_HALVES(
      64, (g, c, p, a) -> g.task("k", GatedKernels::gatedHalves, c, p, a.floats(), a.shorts())),
  GATED_BLOCKS(
      64, (g, c, p, a) -> g.task("k", GatedKernels::gatedBlocks, c, p, a.floats(), a.bytes())),
  GATED_ROW_FLOATS(
      RowKernels.LANES,
      (g, c, p, a) -> g.task("k", GatedKernels::gatedRowFloats, c, p, a.floats())),
  GATED_ROW_HALVES(
      RowKernels.LANES,
      (g, c, p, a) -> g.task("k", GatedKernels::gatedRowHalves, c, p, a.floats(), a.shorts())),
  GATED_ROW_BLOCKS(
      RowKernels.LANES,
      (g, c, p, a) -> g.task("k", GatedKernels::gatedRowBlocks, c, p, a.floats(), a.bytes())),
  MULTIPLY_TILES(
      TiledKernels.THREADS,
      (g, c, p, a) -> g.task("k", TiledKernels::multiplyTiles, c, p, a.floats())),
  DECODE_HALVES(
      64, (g, c, p, a) -> g.task("k", TiledKernels::decodeHalves, c, p, a.floats(), a.shorts())),
  DECODE_BLOCKS(
      64, (g, c, p, a) -> g.task("k", TiledKernels::decodeBlocks, c, p, a.floats(), a.bytes())),
  CONVOLVE(64, (g, c, p, a) -> g.task("k", ConvolutionKernels::convolve, c, p, a.floats())),
  AVERAGE_POOL(64, (g, c, p, a) -> g.task("k", ConvolutionKernels::averagePool, c, p, a.floats())),
  RMS_NORM(NormKernels.LANES, (g, c, p, a) -> g.task("k", NormKernels::rmsNorm, c, p, a.floats())),
  NORM_AND_ROPE(
      NormKernels.LANES, (g, c, p, a) -> g.task("k", NormKernels::normAndRope, c, p, a.floats())),
  LAYER_NORM(
      NormKernels.LANES, (g, c, p, a) -> g.task("k", NormKernels::layerNorm, c, p, a.floats())),
  ATTENTION(
      AttentionKernels.LANES,
      (g, c, p, a) -> g.task("k", AttentionKernels::attention, c, p, a.floats(), a.ints())),
  ATTENTION_WEIGHTS(
      AttentionKernels.LANES,
      (g, c, p, a) -> g.task("k", AttentionKernels::attentionWeights, c, p, a.floats(), a.ints())),
  ROUTE(64, (g, c, p, a) -> g.task("k", ExpertKernels::route, c, p, a.floats())),
  HIDDEN_FLOATS(
      64, (g, c, p, a) -> g.task("k", ExpertKernels::hiddenFloats, c, p, a.floats(), a.ints())),
  HIDDEN_HALVES(
      64,
      (g, c, p, a) ->
          g.task("k", ExpertKernels::hiddenHalves, c, p, a.floats(), a.shorts(), a.ints())),
  HIDDEN_BLOCKS(
      64,
      (g, c, p, a) ->
          g.task("k", ExpertKernels::hiddenBlocks, c, p, a.floats(), a.bytes(), a.ints())),
  MIX_FLOATS(64, (g, c, p, a) -> g.task("k", ExpertKernels::mixFloats, c, p, a.floats(), a.ints())),
  MIX_HALVES(
      64,
      (g, c, p, a) ->
          g.task("k", ExpertKernels::mixHalves, c, p, a.floats(), a.shorts(), a.ints())),
  MIX_BLOCKS(
      64,
      (g, c, p, a) -> g.task("k", ExpertKernels::mixBlocks, c, p, a.floats(), a.bytes(), a.ints())),
  FILL_X(64, (g, c, p, a) -> g.task("k", ProductKernels::fill, c, p, a.floats(), a.product().x())),
  FILL_W(64, (g, c, p, a) -> g.task("k", ProductKernels::fill, c, p, a.floats(), a.product().w())),
  CLEAR_Y(64, (g, c, p, a) -> g.task("k", ProductKernels::clear, c, p, a.product().y())),
  MULTIPLY_BY_LIBRARY(64, (g, c, p, a) -> a.product().task().add(g, c, a.product())),
  TAKE_Y(64, (g, c, p, a) -> g.task("k", ProductKernels::take, c, p, a.floats(), a.product().y()));

  /** The name of the only task of each graph. */
  static final String TASK = "k";

  /** Adds the task to a graph. */
  private interface Binding {
    TaskGraph add(TaskGraph graph, KernelContext context, IntArray parameters, HostArrays arrays);
  }

  private final int groupSize;

  @SuppressWarnings("ImmutableEnumChecker") // Bindings hold nothing.
  private final Binding binding;

  Kernel(int groupSize, Binding binding) {
    this.groupSize = groupSize;
    this.binding = binding;
  }

  private static TaskGraph touch(TaskGraph g, KernelContext c, IntArray p, HostArrays a) {
    if (!a.hasLibrary()) {
      return g.task(
          TASK, TransferKernels::touch, c, p, a.floats(), a.shorts(), a.bytes(), a.ints());
    }
    return g.task(
        TASK,
        TransferKernels::touchWithProduct,
        c,
        p,
        a.floats(),
        a.shorts(),
        a.bytes(),
        a.ints(),
        a.product().x(),
        a.product().w(),
        a.product().y());
  }

  /** Returns the threads of a work-group. */
  int groupSize() {
    return groupSize;
  }

  /** Returns whether launches of the kernel can be parts of one; see {@link Parts}. */
  boolean takesParts() {
    return switch (this) {
      case LINEAR_FLOATS,
          LINEAR_HALVES,
          LINEAR_BLOCKS,
          ROW_FLOATS,
          ROW_HALVES,
          ROW_BLOCKS,
          RMS_NORM,
          NORM_AND_ROPE,
          ROPE,
          APPEND,
          APPEND_HALVES,
          APPEND_BLOCKS ->
          true;
      default -> false;
    };
  }

  /** Returns whether there is the kernel only where there is a library; those are the last. */
  boolean needsLibrary() {
    return ordinal() >= FILL_X.ordinal();
  }

  /** Returns whether the kernel norms rows, of what may be added first. */
  boolean norms() {
    return this == RMS_NORM || this == LAYER_NORM;
  }

  /** Adds the task to a graph that the parameters go to. */
  TaskGraph addTo(TaskGraph graph, KernelContext context, IntArray parameters, HostArrays arrays) {
    return binding.add(graph, context, parameters, arrays);
  }
}
