/** The program that draws nodes in their shapes. */
import { NodeProgram, type ProgramInfo } from "sigma/rendering";
import type { NodeDisplayData, RenderParams } from "sigma/types";
import { floatColor } from "sigma/utils";
import { SHAPES, type Shape } from "./shapes-of.ts";

const VERTEX = /* glsl */ `
attribute vec4 a_id;
attribute vec4 a_color;
attribute vec2 a_position;
attribute float a_size;
attribute float a_shape;
uniform float u_sizeRatio;
uniform float u_pixelRatio;
uniform mat3 u_matrix;
varying vec4 v_color;
varying float v_shape;
varying float v_pixel;
const float bias = 255.0 / 254.0;
void main() {
  gl_Position = vec4((u_matrix * vec3(a_position, 1)).xy, 0, 1);
  float side = a_size / u_sizeRatio * u_pixelRatio * 2.0;
  gl_PointSize = side;
  v_pixel = 2.0 / side;
  v_shape = a_shape;
  #ifdef PICKING_MODE
  v_color = a_id;
  #else
  v_color = a_color;
  #endif
  v_color.a *= bias;
}`;

/** Distances to shapes within the square from -1 to 1; below 0 is inside. */
const FRAGMENT = /* glsl */ `
precision highp float;
varying vec4 v_color;
varying float v_shape;
varying float v_pixel;
float polygon(vec2 p, float sides) {
  float turn = 6.2831853 / sides;
  float angle = atan(p.x, p.y);
  float within = mod(angle + turn / 2.0, turn) - turn / 2.0;
  return length(p) * cos(within) / cos(turn / 2.0) - 1.0;
}
float shape(vec2 p) {
  if (v_shape < 0.5) return length(p) - 0.92;
  if (v_shape < 1.5) return max(abs(p.x), abs(p.y)) - 0.76;
  if (v_shape < 2.5) return (abs(p.x) + abs(p.y)) - 1.0;
  if (v_shape < 3.5) return max(p.y - 0.72, abs(p.x) * 0.88 - p.y * 0.48 - 0.46);
  if (v_shape < 4.5) return polygon(p, 6.0) * 0.95;
  if (v_shape < 5.5) return abs(length(p) - 0.72) - 0.22;
  if (v_shape < 6.5) {
    float ray = abs(fract(atan(p.x, -p.y) / 6.2831853 * 5.0 + 0.5) - 0.5) * 2.0;
    return length(p) - mix(1.0, 0.42, sqrt(ray));
  }
  vec2 q = abs(p);
  return max(max(q.x, q.y) - 0.95, min(q.x, q.y) - 0.32);
}
void main(void) {
  vec2 p = gl_PointCoord * 2.0 - 1.0;
  #ifdef PICKING_MODE
  gl_FragColor = length(p) < 1.0 ? v_color : vec4(0.0);
  #else
  float inside = 1.0 - smoothstep(-v_pixel, v_pixel, shape(p));
  gl_FragColor = mix(vec4(0.0), v_color, inside);
  #endif
}`;

const UNIFORMS = ["u_sizeRatio", "u_pixelRatio", "u_matrix"] as const;

export class ShapeProgram extends NodeProgram<(typeof UNIFORMS)[number]> {
  getDefinition() {
    const { FLOAT, UNSIGNED_BYTE } = WebGLRenderingContext;
    return {
      VERTICES: 1,
      VERTEX_SHADER_SOURCE: VERTEX,
      FRAGMENT_SHADER_SOURCE: FRAGMENT,
      METHOD: WebGLRenderingContext.POINTS,
      UNIFORMS,
      ATTRIBUTES: [
        { name: "a_position", size: 2, type: FLOAT },
        { name: "a_size", size: 1, type: FLOAT },
        { name: "a_shape", size: 1, type: FLOAT },
        { name: "a_color", size: 4, type: UNSIGNED_BYTE, normalized: true },
        { name: "a_id", size: 4, type: UNSIGNED_BYTE, normalized: true },
      ],
    };
  }

  processVisibleItem(nodeIndex: number, startIndex: number, data: NodeDisplayData & { shape?: Shape }): void {
    const { array } = this;
    let at = startIndex;
    array[at++] = data.x;
    array[at++] = data.y;
    array[at++] = data.size;
    array[at++] = SHAPES.indexOf(data.shape ?? "disc");
    array[at++] = floatColor(data.color);
    array[at++] = nodeIndex;
  }

  setUniforms(
    { sizeRatio, pixelRatio, matrix }: RenderParams,
    { gl, uniformLocations: { u_sizeRatio, u_pixelRatio, u_matrix } }: ProgramInfo,
  ): void {
    gl.uniform1f(u_pixelRatio as WebGLUniformLocation, pixelRatio);
    gl.uniform1f(u_sizeRatio as WebGLUniformLocation, sizeRatio);
    gl.uniformMatrix3fv(u_matrix as WebGLUniformLocation, false, matrix);
  }
}
