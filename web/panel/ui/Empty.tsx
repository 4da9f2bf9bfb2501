export function Empty({ title, hint }: { title: string; hint: string }) {
  return (
    <div className="empty">
      <p className="title">{title}</p>
      <p>{hint}</p>
    </div>
  );
}
