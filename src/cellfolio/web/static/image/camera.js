// Where on an image one looks: `x` and `y` are the image's pixel in the middle, `zoom` is how many
// pixels of the page one of the image takes. Sizes are {width, height}.

const HIGHEST = 64;

export function fit(image, stage) {
  const zoom = Math.min(stage.width / image.width, stage.height / image.height);
  return { x: image.width / 2, y: image.height / 2, zoom: Math.min(zoom, HIGHEST) };
}

export function clamp(camera, image, stage) {
  const lowest = Math.min(0.5 * fit(image, stage).zoom, 1);
  const inside = (value, length) => Math.min(Math.max(value, 0), length);
  return {
    x: inside(camera.x, image.width),
    y: inside(camera.y, image.height),
    zoom: Math.min(Math.max(camera.zoom, lowest), HIGHEST),
  };
}

// The image's point at a point of the stage.
export function toImage(camera, stage, point) {
  return {
    x: camera.x + (point.x - stage.width / 2) / camera.zoom,
    y: camera.y + (point.y - stage.height / 2) / camera.zoom,
  };
}

// The point of the stage stays where it is on the image.
export function zoomAt(camera, stage, point, factor) {
  const before = toImage(camera, stage, point);
  const zoom = camera.zoom * factor;
  return {
    x: before.x - (point.x - stage.width / 2) / zoom,
    y: before.y - (point.y - stage.height / 2) / zoom,
    zoom,
  };
}

export function pan(camera, dx, dy) {
  return { ...camera, x: camera.x - dx / camera.zoom, y: camera.y - dy / camera.zoom };
}
