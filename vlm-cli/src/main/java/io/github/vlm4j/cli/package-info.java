/** The vlm command. */
@org.jspecify.annotations.NullMarked
package io.github.vlm4j.cli;
