package io.github.vlm4j.core.weights;

/**
 * What a low-rank adapter adds to a linear map: {@code scale · B·(A·x)} with A {@code [rank, in]}
 * and B {@code [out, rank]}.
 *
 * @param rank the length of {@code A·x}
 * @param scale what the product is multiplied with
 */
public record LowRank(int rank, float scale) {}
