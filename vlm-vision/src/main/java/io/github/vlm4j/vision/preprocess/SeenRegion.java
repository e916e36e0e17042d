package io.github.vlm4j.vision.preprocess;

/**
 * The part of a picture that an encoder sees, in the picture's own pixels: all of it, or what
 * remains when the middle is cut out. Where the picture was padded, the part reaches beyond it.
 *
 * @param left the first column
 * @param top the first row
 * @param width the extent in columns
 * @param height the extent in rows
 */
public record SeenRegion(double left, double top, double width, double height) {}
