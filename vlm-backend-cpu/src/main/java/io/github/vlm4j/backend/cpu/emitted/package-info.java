/**
 * The third form of the innermost products: machine code that is made at start-up for the processor
 * found, because neither C2 nor the Vector API emits its dot-product instructions ({@code
 * vdpbf16ps}, {@code vpdpbusd}). Code is assembled from constants of this package and from nothing
 * that a file says.
 */
@NullMarked
package io.github.vlm4j.backend.cpu.emitted;

import org.jspecify.annotations.NullMarked;
